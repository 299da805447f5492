import { expect, test } from 'vitest'
import { usePublication } from '../publication/test-kit.ts'
import { expectProblem, pointersOf, production, shop } from '../test-kit.ts'

const { kit, held, run, toggle, present, waiting } = usePublication()

const comment = 'a fair day'
const freeze = (options = {}) => kit.call('POST', `${production}/freeze`, { body: { comment }, ...options })
const unfreeze = (options = {}) => kit.ok('POST', `${production}/unfreeze`, { body: {}, ...options })
const read = () => kit.ok('GET', production)
const codesOf = (reply: { warnings: { code: string }[] }) => reply.warnings.map(({ code }) => code)
const setInstallation = (frozenAt: string | null) =>
  kit.sql('update installation set frozen_at = $1, frozen_comment = $2', [frozenAt, frozenAt && comment])

test('nothing of a frozen environment is published: edits are kept, say so, and wait', async () => {
  await run()
  const before = await present()
  expect((await freeze()).status).toBe(200)
  const toggled = await toggle()
  expect(toggled.warnings).toEqual([
    {
      code: 'publishing_frozen',
      pointer: '',
      detail: 'publishing of production is frozen: this is kept, and readers get it when it is unfrozen',
    },
  ])
  expect(await run()).toEqual({ kind: 'frozen' })
  expect(held.hub.verdicts).toEqual(['apply'])
  expect(await waiting()).toEqual([before.version + 1])
  expect(await read()).toMatchObject({
    version: `1.${before.version + 1}`,
    publishedVersion: `1.${before.version}`,
    frozen: { since: '2026-11-20T12:00:00.000Z', comment, scope: 'environment' },
  })
  const { items } = await kit.ok('GET', `${shop}/environments`)
  expect(
    items.map(({ key, frozen }: { key: string; frozen: object | null }) => [key, frozen !== null]),
  ).toEqual([
    ['development', false],
    ['production', true],
    ['staging', false],
  ])

  kit.told.length = 0
  const answer = await unfreeze()
  expect(answer).toMatchObject({ frozen: null, warnings: [] })
  expect(kit.told.map(({ kind }) => kind)).toEqual(['arm', 'go'])
  expect(await run()).toEqual({ kind: 'published', at: { ...before, version: before.version + 1 } })
  expect(await read()).toMatchObject({ publishedVersion: answer.version, frozen: null })
})

test('freezing says loudly that revocations and kill switches wait too', async () => {
  const { body } = await freeze()
  expect(codesOf(body)).toEqual(['revocations_wait'])
  expect(body.warnings[0].detail).toContain('keys that are revoked now go on working')
  await unfreeze()
})

test('every kind of write to a frozen environment warns, and none to another', async () => {
  await freeze()
  const { id, ...created } = await kit.ok('POST', `${shop}/keys`, {
    body: { class: 'server', environment: 'production', name: 'k' },
  })
  const replies = [
    created,
    await kit.ok('DELETE', `${shop}/keys/${id}`),
    await kit.ok('POST', `${shop}/flags`, { body: { key: 'late' } }),
    await kit.ok('POST', `${shop}/segments`, { body: { key: 'vips' } }),
    await kit.ok('PATCH', `${production}/segments/vips/members`, { body: { add: ['a'] } }),
  ]
  for (const reply of replies) expect(codesOf(reply)).toContain('publishing_frozen')
  const other = await kit.ok('POST', `${shop}/environments/staging/flags/checkout/toggle`)
  expect(codesOf(other)).toEqual([])
  await unfreeze()
  expect(codesOf(await toggle())).toEqual([])
})

test('a repeated freeze or unfreeze changes nothing and is no second entry of the audit', async () => {
  await freeze()
  const before = await kit.stored()
  kit.clock.nowMs += 60_000
  const again = await freeze({ body: { comment: 'another' } })
  expect(again.body.frozen).toMatchObject({ comment })
  expect(await kit.stored()).toEqual(before)
  await unfreeze()
  const after = await kit.stored()
  await unfreeze()
  expect(await kit.stored()).toEqual(after)
})

test('both turns of the switch stand in the audit, with what it was and why', async () => {
  await freeze()
  await unfreeze({ body: { comment: 'over' } })
  const { items } = await kit.ok('GET', '/orgs/acme/audit?limit=2')
  expect(items).toMatchObject([
    { action: 'environment.unfreeze', environment: 'production', comment: 'over', after: { frozen: null } },
    { action: 'environment.freeze', environment: 'production', comment, before: { frozen: null } },
  ])
  expect(items[1].after.frozen).toMatchObject({ comment })
})

test('only an admin of the environment freezes, and says why', async () => {
  const before = await kit.stored()
  const token = await kit.makeToken({ role: 'editor' })
  const elsewhere = await kit.makeToken({ project: 'shop', environment: 'staging' })
  const stored = await kit.stored()
  expectProblem(await freeze({ token }), 'forbidden')
  expectProblem(await freeze({ token: elsewhere }), 'environment_not_found')
  expectProblem(await freeze({ token: kit.rivalToken }), 'organization_not_found')
  expect(pointersOf(await freeze({ body: {} }))).toEqual(['/comment'])
  expect(await kit.stored()).toEqual(stored)
  expect(stored['environments']).toBe(before['environments'])
})

test('while the installation is frozen nothing is published, and unfreezing one environment says so', async () => {
  await run()
  await setInstallation('2026-11-20T11:00:00Z')
  expect(codesOf(await toggle())).toEqual(['publishing_frozen'])
  expect(await run()).toEqual({ kind: 'frozen' })
  expect((await read()).frozen).toEqual({ since: '2026-11-20T11:00:00.000Z', comment, scope: 'installation' })
  expect(codesOf(await unfreeze())).toEqual(['publishing_frozen'])
  await freeze()
  expect((await read()).frozen).toMatchObject({ scope: 'environment' })
  await unfreeze()
  await setInstallation(null)
  expect((await run()).kind).toBe('published')
})

test('a publisher that cannot be armed leaves the environment frozen', async () => {
  await freeze()
  const publishers = { arm: () => Promise.reject(new Error('no answer')) }
  const refused = await kit.call('POST', `${production}/unfreeze`, { body: {}, deps: { publishers } })
  expect(refused.status).toBe(500)
  expect((await read()).frozen).not.toBeNull()
  await unfreeze()
})
