import { expect, test } from 'vitest'
import { readVersion } from '../publication/read-history.ts'
import { expectProblem, production, shop } from '../test-kit.ts'
import { wantedVersion } from './find-version.ts'
import { anyVersion, french, useRevert } from './revert-kit.ts'

const { kit, own, present, stateOf, segmentState, bodyAt, revert, patch, patchSegment, reverted } =
  useRevert()

test('a revert makes a new version whose states, and bytes, are those of the old one', async () => {
  const { key, segment } = own
  await patch({
    enabled: true,
    rules: [french],
    overrides: [{ attribute: 'a', values: ['b'], variant: 'on' }],
  })
  await patchSegment({ include: ['u'], when: french.when })
  const [to, then, thenSegment] = [await present(), await stateOf(), await segmentState()]
  await patch({ enabled: false, rules: [], overrides: [], offVariant: 'on', fallthrough: { variant: 'off' } })
  await patchSegment({ include: [], exclude: ['v'], when: null, attribute: 'account' })
  const last = await present()
  const answer = await reverted({ to })
  const version = last.replace(/\d+$/, (n) => String(Number(n) + 1))
  expect(answer).toMatchObject({
    environment: 'production',
    revertedTo: to,
    versions: { production: version },
  })
  expect(answer).toMatchObject({ flags: [key], segments: [segment], left: [] })
  expect([await stateOf(), await segmentState()]).toEqual([then, thenSegment])
  expect(await bodyAt(version)).toBe(await bodyAt(to))
  expect(await bodyAt(last)).not.toBe(await bodyAt(to))
})

test('definitions stay as they are, and revoked keys revoked', async () => {
  const { key } = own
  const secret = await kit.ok('POST', `${shop}/keys`, {
    body: { class: 'server', environment: 'production', name: 'k' },
  })
  await patch({ enabled: true })
  const to = await present()
  await patch({ enabled: false })
  const definition = { clientVisible: true, expiresAt: '2027-01-01T00:00:00Z', onExpiry: { variant: 'off' } }
  await kit.ok('PATCH', `${shop}/flags/${key}`, { body: definition, headers: anyVersion })
  await kit.ok('DELETE', `${shop}/keys/${secret.id}`)
  expect(await reverted({ to })).toMatchObject({ flags: [key] })
  expect(await kit.ok('GET', `${shop}/flags/${key}`)).toMatchObject({
    clientVisible: true,
    onExpiry: { variant: 'off' },
  })
  const now = await readVersion(kit.deps.db, own.scope, wantedVersion(await present()))
  const rows = typeof now === 'string' ? [] : now.rows
  expect(rows.find(({ objectId }) => objectId === secret.id)?.state).toBeNull()
  expect(rows.find(({ state }) => (state as { key?: string } | null)?.key === key)?.state).toMatchObject({
    clientVisible: true,
    expiry: { variant: 'off' },
    state: { enabled: true },
  })
})

test('what came later, and what is archived now, stays as it is and is listed', async () => {
  const { key, segment } = own
  const to = await present()
  await patch({ enabled: true })
  await patchSegment({ include: ['u'] })
  await kit.ok('DELETE', `${shop}/flags/${key}`)
  await kit.ok('POST', `${shop}/flags`, { body: { key: `${key}-new` } })
  await patch({ enabled: true }, `${key}-new`)
  const { flags, segments, left } = await reverted({ to })
  expect({ flags, segments }).toEqual({ flags: [], segments: [segment] })
  expect(left).toEqual([
    { kind: 'flag', key, why: 'archived' },
    { kind: 'flag', key: `${key}-new`, why: 'newer' },
  ])
  expect(await stateOf(`${key}-new`)).toMatchObject({ enabled: true })
})

test('named flags and segments alone are reverted', async () => {
  const { key, segment } = own
  const other = `${key}-other`
  await kit.ok('POST', `${shop}/flags`, { body: { key: other } })
  const to = await present()
  for (const at of [key, other]) await patch({ enabled: true }, at)
  await patchSegment({ include: ['u'] })
  expect(await reverted({ to, flags: [key] })).toMatchObject({ flags: [key], segments: [], left: [] })
  expect([await stateOf(), await stateOf(other)]).toMatchObject([{ enabled: false }, { enabled: true }])
  expect(await reverted({ to, segments: [segment] })).toMatchObject({ flags: [], segments: [segment] })
  expect([await stateOf(other), await segmentState()]).toMatchObject([{ enabled: true }, { include: [] }])
})

test('where nothing differs nothing is written', async () => {
  await patch({ enabled: true })
  const to = await present()
  await patch({ enabled: false })
  await patch({ enabled: true })
  const before = await kit.stored()
  const answer = await reverted({ to })
  expect(answer).toMatchObject({ flags: [], segments: [], versions: { production: await present() } })
  expect(await kit.stored()).toEqual(before)
})

test('each changed object has one audit entry, all of one version', async () => {
  const { key, segment } = own
  const to = await present()
  await patch({ enabled: true })
  await patchSegment({ include: ['u'] })
  const { versions } = await reverted({ to, comment: 'rolled back' })
  const { items } = await kit.ok('GET', '/orgs/acme/audit?limit=3')
  const common = { environment: 'production', project: 'shop', versions, comment: 'rolled back' }
  expect(items).toMatchObject([
    {
      action: 'segment.revert',
      resource: `segment/${segment}`,
      ...common,
      before: { state: { include: ['u'] } },
      after: { state: { include: [] }, revertedTo: to },
    },
    { action: 'flag.revert', resource: `flag/${key}`, ...common, after: { state: { enabled: false } } },
    { action: 'segment.update' },
  ])
  const [newest] = (await kit.ok('GET', `${production}/versions?limit=1`)).items
  expect(newest).toMatchObject({
    version: versions.production,
    action: 'flag.revert',
    comment: 'rolled back',
  })
})

test('a revert can be reverted, and tells what it moves', async () => {
  const { key } = own
  const half = {
    by: 'targetingKey',
    weights: [
      { variant: 'on', weight: 50_000 },
      { variant: 'off', weight: 50_000 },
    ],
  }
  const before = await present()
  await patch({ enabled: true, fallthrough: { split: half } })
  const split = await present()
  const turned = { ...half, weights: half.weights.toReversed() }
  await patch({ fallthrough: { split: turned } })
  const { warnings } = await reverted({ to: split })
  expect(warnings).toMatchObject([{ code: 'moves_contexts', pointer: `/flags/${key}/fallthrough` }])
  await reverted({ to: before })
  await reverted({ to: split })
  expect(await stateOf()).toMatchObject({ enabled: true, fallthrough: { split: half } })
})

test('If-Match is heeded: its tag is the version that the environment is at', async () => {
  const to = await present()
  await patch({ enabled: true })
  const before = await kit.stored()
  const reply = await revert({ to }, { 'if-match': `"${to}"` })
  expect(expectProblem(reply, 'precondition_failed')['current']).toMatchObject({
    key: 'production',
    version: await present(),
  })
  expect(await kit.stored()).toEqual(before)
  expect((await revert({ to }, { 'if-match': `"${await present()}"` })).status).toBe(200)
})

test('a repeated revert is answered once', async () => {
  const { key } = own
  const to = await present()
  await patch({ enabled: true })
  const once = await revert({ to }, { 'idempotency-key': key })
  const stored = await kit.stored()
  const again = await revert({ to }, { 'idempotency-key': key })
  expect(again.body).toEqual(once.body)
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect(await kit.stored()).toEqual(stored)
})

test('a large list comes back with the state that named it', async () => {
  const { key, segment } = own
  const members = `${production}/segments/${segment}/members`
  const put = (lines: string) =>
    kit.ok('PUT', members, { body: lines, headers: { 'content-type': 'application/x-ndjson' } })
  const first = await put('"a"\n"b"')
  await patch({
    enabled: true,
    rules: [{ when: { segment }, serve: { variant: 'on' } }],
    fallthrough: { variant: 'off' },
  })
  const to = await present()
  await put('"c"')
  await kit.ok('PATCH', members, { body: { add: ['d'] } })
  expect(await reverted({ to })).toMatchObject({ segments: [segment] })
  expect(await kit.ok('GET', members)).toMatchObject({ hash: first.hash, count: 2, added: [] })
  const of = async (targetingKey: string) =>
    (await kit.ok('POST', `${production}/evaluate`, { body: { flag: key, context: { targetingKey } } }))
      .flags[0].variant
  expect([await of('a'), await of('c'), await of('d')]).toEqual(['on', 'off', 'off'])
  const [blob] = await kit.sql<{ kept: boolean }>('select kept from segment_blobs where hash = $1', [
    first.hash,
  ])
  expect(blob?.kept).toBe(true)
})

test('an upload whose list a revert took the place of is no longer answered as made', async () => {
  const members = `${production}/segments/${own.segment}/members`
  const to = await present()
  const headers = { 'content-type': 'application/x-ndjson' }
  await kit.ok('PUT', `${members}?upload=nightly&part=1`, { body: '"a"', headers })
  const commit = () => kit.call('POST', `${members}/commit`, { body: { upload: 'nightly', parts: 1 } })
  const first = await commit()
  expect((await commit()).body).toEqual(first.body)
  expect(await reverted({ to })).toMatchObject({ segments: [own.segment] })
  expectProblem(await commit(), 'upload_changed')
  expect(await kit.ok('GET', members)).toMatchObject({ count: 0, hash: null })
})
