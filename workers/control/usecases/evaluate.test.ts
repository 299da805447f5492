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
    'override 1 did not match: `targetingKey` was "u"',
    'rule 1 `French` did not match: `country` was "DE", wanted one of FR, BE',
    'rule 2 `Half` did not match: `plan` was missing, wanted pro',
    'nothing matched: the fallthrough serves',
    'serves "off" = false (DEFAULT)',
  ])
  expect((await explain({ country: 'FR', age: 12 })).text[2]).toContain('what it excludes applies')
})

test('an explanation shows the bucket, or why there is none', async () => {
  const { decision, text } = await explain({ targetingKey: 'u', plan: 'pro' })
  expect(decision.reason).toBe('SPLIT')
  expect(text.at(-2)).toMatch(
    /^`targetingKey` was "u": bucket [\d,]+ of 100,000 fell into `(on|off)` \[[\d,]+, [\d,]+\)$/,
  )
  const without = await explain({ plan: 'pro' })
  expect(without.decision).toMatchObject({ reason: 'ERROR', errorCode: 'TARGETING_KEY_MISSING' })
  expect(without.text.at(-2)).toBe('no bucket: `targetingKey` was missing (TARGETING_KEY_MISSING)')
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

test('an explanation reads every rule back as a sentence', async () => {
  const { rules } = await explain({})
  expect(rules.map(({ name, sentence }: { name: string; sentence: string }) => [name, sentence])).toEqual([
    ['French', 'If country is one of "FR", "BE" and not (age is less than 18): serves "on".'],
    ['Half', 'If plan is "pro": serves "on" to 50 % by targetingKey; the rest get "off".'],
  ])
})

test('an explanation is of an earlier version, if one is asked for', async () => {
  const first = await kit.ok('POST', `${shop}/flags`, { body: { key: 'aging' } })
  const at = first.versions.production
  const second = await kit.ok('POST', `${production}/flags/aging/toggle`, { body: { enabled: true } })
  const path = `${production}/flags/aging/explain`
  expect(await kit.ok('GET', path)).toMatchObject({ decision: { reason: 'STATIC' } })
  const past = { version: at, decision: { reason: 'DISABLED' } }
  expect(await kit.ok('GET', `${path}?version=${at}`)).toMatchObject(past)
  expect(await kit.ok('POST', path, { body: { version: at } })).toMatchObject(past)
  expect(await kit.ok('GET', `/flags/aging/explain?version=${at}`, { token })).toMatchObject(past)
  const newest = second.versions.production
  expect(await kit.ok('GET', `${path}?version=${newest}`)).toMatchObject({ version: newest })
  expectProblem(await kit.call('GET', `${path}?version=1.1`), 'flag_not_found')
})

test('a version that never was is not found', async () => {
  const { version } = await explain({})
  const [epoch, number] = version.split('.').map(Number)
  const next = [`${epoch}.${number + 1}`, `${epoch + 1}.1`, `${epoch - 1}.1`, `${epoch}.0`, '999999999999.1']
  for (const never of next) {
    const reply = await kit.call('GET', `${production}/flags/checkout/explain?version=${never}`)
    expectProblem(reply, 'version_not_found')
  }
  const bad = await kit.call('GET', `${production}/flags/checkout/explain?version=newest`)
  expect(pointersOf(bad)).toEqual(['version'])
})

test('versions of an epoch that is past are found in history', async () => {
  const { version } = await explain({})
  await kit.sql(`update environments set epoch = epoch + 1, version = 1 where key = 'production'`)
  const of = (token: string) => kit.call('GET', `${production}/flags/checkout/explain?version=${token}`)
  const [epoch, number] = version.split('.').map(Number)
  expect((await of(version)).body).toMatchObject({ version, decision: { reason: 'DEFAULT' } })
  expectProblem(await of(`${epoch}.${number + 1}`), 'version_not_found')
  await kit.sql(`update environments set epoch = $1, version = $2 where key = 'production'`, [epoch, number])
})

test('an explanation is of another moment, if one is asked for', async () => {
  const steps = [{ at: '2026-12-01T00:00:00Z', share: 100_000 }]
  const ramp = { by: 'targetingKey', from: 'off', to: 'on', steps }
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'ramped' } })
  const body = { enabled: true, fallthrough: { ramp } }
  await kit.ok('PATCH', `${production}/flags/ramped`, { body, headers: ifMatch })
  const at = (query: string) => kit.ok('GET', `${production}/flags/ramped/explain?targetingKey=u${query}`)
  expect(await at('')).toMatchObject({ now: '2026-11-20T12:00:00.000Z', decision: { variant: 'off' } })
  const later = await at('&now=2026-12-01T00:00:00Z')
  expect(later).toMatchObject({ now: '2026-12-01T00:00:00.000Z', decision: { variant: 'on' } })
  expect(later.text).toContain('the ramp is at 100 % since 2026-12-01')
  const bad = await kit.call('GET', `${production}/flags/ramped/explain?now=tomorrow`)
  expect(pointersOf(bad)).toEqual(['now'])
})

const nested = (depth: number): object => (depth === 1 ? {} : { a: nested(depth - 1) })
const attributes = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, 1]))

test.for<[string, object, object, string]>([
  ['contextDepth', nested(8), nested(9), '/context/a/a/a/a/a/a/a/a'],
  ['contextAttributes', attributes(200), attributes(201), '/context'],
  ['contextStringBytes', { a: 'é'.repeat(1_024) }, { a: `${'é'.repeat(1_024)}x` }, '/context/a'],
  ['contextListItems', { a: Array(100).fill(1) }, { a: Array(101).fill(1) }, '/context/a'],
  [
    'contextBytes',
    Object.fromEntries(Array.from({ length: 16 }, (_, i) => [`a${i}`, 'x'.repeat(2_000)])),
    Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`a${i}`, 'x'.repeat(2_000)])),
    '/context',
  ],
])('a context may not be over the limit %s, which is named', async ([name, fine, over, pointer]) => {
  await explain(fine)
  for (const path of [`${production}/flags/checkout/explain`, `${production}/evaluate`]) {
    const reply = await kit.call('POST', path, { body: { context: over } })
    expect(pointersOf(reply)).toEqual([pointer])
    expect(reply.body.detail).toMatch(new RegExp(`^over the limit: ${name} is at most \\d+$`))
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
  expect(text[1]).toContain('`Copied`')
  expect((await explain({})).text.join()).toContain('`Half`')
})

test('evaluating writes nothing', async () => {
  const before = await kit.stored()
  await kit.ok('POST', `${production}/evaluate`, { body: {}, headers: { 'idempotency-key': 'k' } })
  await explain({ targetingKey: 'u' })
  expect(await kit.stored()).toEqual(before)
})
