import { beforeAll, expect, test } from 'vitest'
import { expectProblem, makeShop, pointersOf, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()
let token: string
const ifMatch = { 'if-match': '*' }

beforeAll(async () => {
  await makeShop(kit)
  token = await kit.makeToken({ project: 'shop', environment: 'production', role: 'viewer' })
  const body = {
    enabled: true,
    overrides: [{ values: ['tester'], variant: 'on' }],
    rules: [
      {
        name: 'French',
        when: {
          all: [
            { attribute: 'country', op: 'in', values: ['FR', 'BE'] },
            { not: { attribute: 'age', op: 'lt', value: 18 } },
          ],
        },
        serve: { variant: 'on' },
      },
      {
        name: 'Half',
        when: { attribute: 'plan', op: 'eq', value: 'pro' },
        serve: {
          split: {
            weights: [
              { variant: 'on', weight: 50_000 },
              { variant: 'off', weight: 50_000 },
            ],
          },
        },
      },
    ],
    fallthrough: { variant: 'off' },
  }
  await kit.ok('PATCH', `${production}/flags/checkout`, { body, headers: ifMatch })
})

const explain = (context: object) =>
  kit.ok('POST', `${production}/flags/checkout/explain`, { body: { context } })

test('evaluation is on what is committed, whether published or not', async () => {
  const body = { flag: 'checkout', context: { targetingKey: 'tester' } }
  const { versions } = await kit.ok('PATCH', `${production}/flags/checkout`, {
    body: { offVariant: 'off', enabled: true },
    headers: ifMatch,
  })
  const result = await kit.ok('POST', `${production}/evaluate`, { body })
  expect(result).toEqual({
    environment: 'production',
    version: versions.production,
    flags: [{ key: 'checkout', value: true, variant: 'on', reason: 'TARGETING_MATCH', metadata: {} }],
  })
  expect(await kit.ok('POST', '/evaluate', { token, body })).toEqual(result)
  const elsewhere = await kit.ok('POST', `${shop}/environments/staging/evaluate`, { body })
  expect(elsewhere.flags[0]).toMatchObject({ value: false, reason: 'DISABLED' })
})

test('without a flag all of them are evaluated, archived ones left out', async () => {
  const keysOf = async () =>
    (await kit.ok('POST', `${production}/evaluate`)).flags.map(({ key }: { key: string }) => key)
  expect(await keysOf()).toEqual(['banner', 'checkout'])
  await kit.ok('DELETE', `${shop}/flags/banner`)
  expect(await keysOf()).toEqual(['checkout'])
  expectProblem(await kit.call('GET', `${production}/flags/banner/explain`), 'flag_not_found')
  await kit.ok('POST', `${shop}/flags/banner/restore`)
})

test('an unknown flag is a decision when evaluated, and not found when explained', async () => {
  const { flags } = await kit.ok('POST', `${production}/evaluate`, { body: { flag: 'none' } })
  expect(flags).toMatchObject([{ key: 'none', reason: 'ERROR', errorCode: 'FLAG_NOT_FOUND' }])
  expectProblem(await kit.call('GET', `${production}/flags/none/explain`), 'flag_not_found')
  expectProblem(await kit.call('GET', '/flags/none/audit?user_id=u', { token }), 'flag_not_found')
})

test('an explanation tells each step in words, by the names of the rules', async () => {
  const { text, decision } = await explain({ targetingKey: 'u', country: 'DE' })
  expect(decision).toMatchObject({ variant: 'off', reason: 'DEFAULT' })
  expect(text).toEqual([
    'the flag is switched on',
    'override 1 did not match: targetingKey is "u"',
    'rule 1 "French" did not match: country is "DE", wanted one of "FR", "BE"',
    'rule 2 "Half" did not match: plan is missing, wanted equal to "pro"',
    'nothing matched: the fallthrough serves',
    'serves "off" = false (DEFAULT)',
  ])
  expect((await explain({ country: 'FR', age: 12 })).text[2]).toContain('what it excludes applies')
})

test('an explanation shows the bucket, or why there is none', async () => {
  const { decision, text } = await explain({ targetingKey: 'u', plan: 'pro' })
  expect(decision.reason).toBe('SPLIT')
  expect(text.at(-2)).toMatch(
    /^targetingKey is "u": bucket [\d,]+ of 100,000 fell into "(on|off)" \[[\d,]+, [\d,]+\)$/,
  )
  const without = await explain({ plan: 'pro' })
  expect(without.decision).toMatchObject({ reason: 'ERROR', errorCode: 'TARGETING_KEY_MISSING' })
  expect(without.text.at(-2)).toBe('no bucket: targetingKey is missing (TARGETING_KEY_MISSING)')
})

test('evaluate and explain decide alike, in every form', async () => {
  for (const targetingKey of ['tester', 'u', 'é😀', '']) {
    const body = { flag: 'checkout', context: { targetingKey } }
    const [decision] = (await kit.ok('POST', `${production}/evaluate`, { body })).flags
    expect((await explain(body.context)).decision).toEqual(decision)
    const query = encodeURIComponent(targetingKey)
    expect(
      (await kit.ok('GET', `${production}/flags/checkout/explain?targetingKey=${query}`)).decision,
    ).toEqual(decision)
    if (targetingKey === '') continue
    const audited = await kit.ok('GET', `/flags/checkout/audit?user_id=${query}`, { token })
    expect(audited).toMatchObject({ environment: 'production', context: { targetingKey }, decision })
  }
})

test('the short explanation needs a user', async () => {
  expect(pointersOf(await kit.call('GET', '/flags/checkout/audit', { token }))).toEqual(['user_id'])
  expect(pointersOf(await kit.call('GET', '/flags/checkout/audit?user_id=', { token }))).toEqual(['user_id'])
})

test('a rule that another flag has by the same id keeps its own name', async () => {
  const { rules } = await kit.ok('GET', `${production}/flags/checkout`)
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'zcopy' } })
  const copied = [{ ...rules[1], name: 'Copied' }]
  await kit.ok('PATCH', `${production}/flags/zcopy`, {
    body: { rules: copied, enabled: true },
    headers: ifMatch,
  })
  const { text } = await kit.ok('GET', `${production}/flags/zcopy/explain`)
  expect(text[1]).toContain('"Copied"')
  expect((await explain({})).text.join()).toContain('"Half"')
})

test('evaluating writes nothing', async () => {
  const before = await kit.stored()
  await kit.ok('POST', `${production}/evaluate`, { body: {}, headers: { 'idempotency-key': 'k' } })
  await explain({ targetingKey: 'u' })
  expect(await kit.stored()).toEqual(before)
})
