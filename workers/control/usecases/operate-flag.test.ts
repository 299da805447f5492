import { beforeAll, expect, test } from 'vitest'
import { expectProblem, makeShop, pointersOf, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()
const flag = `${production}/flags/checkout`
let token: string

beforeAll(async () => {
  await makeShop(kit)
  token = await kit.makeToken({ project: 'shop', environment: 'production', role: 'editor' })
  await kit.ok('POST', `${flag}/toggle`, { body: { enabled: true } })
})

const rollout = (body: object, headers = {}) => kit.call('POST', `${flag}/rollout`, { body, headers })
const override = (body: object, headers = {}) => kit.call('POST', `${flag}/override`, { body, headers })
const variantOf = async (targetingKey: string, query = '') =>
  (await kit.ok('GET', `${flag}/explain?targetingKey=${targetingKey}${query}`)).decision.variant

test('a rollout answers the new state, its version and its ETag, without If-Match', async () => {
  const before = await kit.ok('GET', `${production}/flags/checkout/explain`)
  const { status, body, headers } = await rollout({ variant: 'on', percent: 5, comment: 'careful' })
  expect(status).toBe(200)
  expect(body).toMatchObject({
    key: 'checkout',
    environment: 'production',
    fallthrough: {
      split: {
        by: 'targetingKey',
        weights: [
          { variant: 'on', weight: 5_000 },
          { variant: 'off', weight: 95_000 },
        ],
      },
    },
    warnings: [],
  })
  expect(body.versions.production).not.toBe(before.version)
  const read = await kit.call('GET', flag)
  expect(read.headers.get('etag')).toBe(headers.get('etag'))
  const { items } = await kit.ok('GET', '/orgs/acme/audit?flag=checkout')
  expect(items[0]).toMatchObject({ action: 'flag.rollout', comment: 'careful', environment: 'production' })
})

test('the same rollout again changes nothing', async () => {
  await rollout({ variant: 'on', percent: 7 })
  const before = await kit.stored()
  const again = await rollout({ variant: 'on', percent: 7 })
  expect(again.status).toBe(200)
  expect(await kit.stored()).toEqual(before)
})

test('a widening gives more and more the variant, and nobody loses it', async () => {
  const { body } = await rollout({ variant: 'on', percent: 20, widenTo: 80, over: '7d' })
  expect(body.fallthrough.ramp.steps).toHaveLength(8)
  const users = Array.from({ length: 40 }, (_, i) => `user-${i}`)
  const served = async (now: string) => {
    const variants = await Promise.all(users.map((user) => variantOf(user, `&now=${now}`)))
    return users.filter((_, i) => variants[i] === 'on')
  }
  const [first, last] = [await served('2026-11-20T12:00:00Z'), await served('2026-11-27T12:00:00Z')]
  expect(last.length).toBeGreaterThan(first.length)
  expect(last).toEqual(expect.arrayContaining(first))
})

test('a rollout of a rule is told by its name', async () => {
  const rules = [
    { name: 'canada', when: { attribute: 'country', op: 'eq', value: 'CA' }, serve: { variant: 'on' } },
  ]
  await kit.ok('PATCH', flag, { body: { rules }, headers: { 'if-match': '*' } })
  const { body } = await rollout({ variant: 'on', percent: 30, rule: 'canada' })
  expect(body.rules[0]).toMatchObject({
    name: 'canada',
    serve: { split: { weights: [{ weight: 30_000 }, {}] } },
  })
  expect(pointersOf(await rollout({ variant: 'on', percent: 30, rule: 'Canada' }))).toEqual(['/rule'])
})

test('an override reaches the users it names, and null ends it', async () => {
  await rollout({ variant: 'on', percent: 0 })
  const order = { targetingKeys: ['tester-1', 'tester-2'], variant: 'on' }
  const { body } = await override({ ...order, until: '2026-12-01T00:00:00Z' })
  expect(body.overrides).toEqual([
    { attribute: 'targetingKey', values: order.targetingKeys, variant: 'on', until: '2026-12-01T00:00:00Z' },
  ])
  expect([await variantOf('tester-1'), await variantOf('other')]).toEqual(['on', 'off'])
  expect(await variantOf('tester-1', '&now=2026-12-01T00:00:00Z')).toBe('off')
  expect((await override({ targetingKeys: ['tester-1', 'tester-2'], variant: null })).body.overrides).toEqual(
    [],
  )
  expect(await variantOf('tester-1')).toBe('off')
})

test('the short forms do the same, and answer the whole flag', async () => {
  const body = { variant: 'on', percent: 50, by: 'account' }
  const rolled = await kit.ok('POST', '/flags/checkout/rollout', { token, body })
  expect(rolled).toMatchObject({
    key: 'checkout',
    seed: expect.any(String),
    fallthrough: { split: { by: 'account' } },
  })
  const order = { attribute: 'email', values: ['a@shop.example'], variant: 'on' }
  const overridden = await kit.ok('POST', '/flags/checkout/override', { token, body: order })
  expect(overridden.overrides).toEqual([{ attribute: 'email', values: order.values, variant: 'on' }])
  await kit.ok('POST', '/flags/checkout/override', { token, body: { ...order, variant: null } })
})

test('warnings of what was saved are in the answer', async () => {
  await rollout({ variant: 'on', percent: 50, by: 'targetingKey' })
  const { body } = await rollout({ variant: 'on', percent: 50, by: 'account' })
  expect(body.warnings).toMatchObject([{ code: 'moves_contexts', pointer: '/fallthrough' }])
})

test('an If-Match that is out of date is heeded', async () => {
  const stale = { 'if-match': '"1"' }
  const before = await kit.stored()
  expectProblem(await rollout({ variant: 'on', percent: 9 }, stale), 'precondition_failed')
  expectProblem(await override({ targetingKeys: ['x'], variant: 'on' }, stale), 'precondition_failed')
  for (const [path, body] of [
    ['rollout', { variant: 'on', percent: 9 }],
    ['override', { targetingKeys: ['x'], variant: 'on' }],
  ] as const) {
    const reply = await kit.call('POST', `/flags/checkout/${path}`, { token, body, headers: stale })
    expectProblem(reply, 'precondition_failed')
  }
  expect(await kit.stored()).toEqual(before)
})

test('a repeated operation with its Idempotency-Key is done once', async () => {
  const headers = { 'idempotency-key': 'widen-1' }
  const order = { variant: 'on', percent: 1, widenTo: 2, over: '2d' }
  const first = await rollout(order, headers)
  kit.clock.nowMs += 60_000
  const second = await rollout(order, headers)
  kit.clock.nowMs -= 60_000
  expect(second.body).toEqual(first.body)
  expect(second.headers.get('idempotency-replayed')).toBe('true')
})

test('what cannot be understood is refused, and nothing is written', async () => {
  const before = await kit.stored()
  expect(pointersOf(await rollout({ variant: 'x', percent: 5 }))).toEqual(['/variant'])
  expect(pointersOf(await rollout({ variant: 'on', percent: 5, otherwise: 'x' }))).toEqual(['/otherwise'])
  expect(pointersOf(await rollout({ variant: 'on', percent: 5.00001 }))).toEqual(['/percent'])
  expect(pointersOf(await override({ targetingKeys: ['a'], variant: 'x' }))).toEqual(['/variant'])
  expect(pointersOf(await override({ variant: 'on' }))).toEqual(['/targetingKeys'])
  expectProblem(
    await kit.call('POST', `${production}/flags/none/rollout`, { body: { variant: 'on', percent: 5 } }),
    'flag_not_found',
  )
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'gone' } })
  await kit.ok('DELETE', `${shop}/flags/gone`)
  const archived = await kit.stored()
  const reply = await kit.call('POST', `${production}/flags/gone/override`, {
    body: { targetingKeys: ['a'], variant: 'on' },
  })
  expectProblem(reply, 'flag_archived')
  expect(await kit.stored()).toEqual(archived)
  expect(before).not.toEqual(archived)
})

test('a whole targeting is said with requests alone, and read back why somebody got what it got', async () => {
  const send = (path: string, body: object) => kit.ok('POST', path, { token, body })
  await send('/flags', { key: 'pricing' })
  await kit.ok('POST', '/segments', { token, body: { key: 'employees' } })
  await kit.ok('PATCH', '/segments/employees', {
    token,
    body: { when: { attribute: 'email', op: 'endsWith', values: ['@shop.example'] } },
    headers: { 'if-match': '*' },
  })
  const canadians = {
    all: [
      { attribute: 'country', op: 'in', values: ['CA'] },
      { attribute: 'plan', op: 'eq', value: 'premium' },
      { attribute: 'appVersion', op: 'semverGte', value: '2.4.0' },
      { not: { segment: 'employees' } },
    ],
  }
  const rules = [{ name: 'canada-premium', when: canadians, serve: { variant: 'off' } }]
  const body = { enabled: true, rules, fallthrough: { variant: 'off' } }
  await kit.ok('PATCH', '/flags/pricing', { token, body, headers: { 'if-match': '*' } })
  const order = { variant: 'on', rule: 'canada-premium', percent: 5, widenTo: 50, over: '7d' }
  await send('/flags/pricing/rollout', order)
  await send('/flags/pricing/override', { targetingKeys: ['tester-1'], variant: 'on' })

  const premium = { country: 'CA', plan: 'premium', appVersion: '2.10.1' }
  const explain = (context: object) => send('/flags/pricing/explain', { context })
  const user = await explain({ targetingKey: 'user-123', ...premium })
  expect(user.text.slice(1)).toEqual([
    'override 1 did not match: `targetingKey` was "user-123"',
    'rule 1 `canada-premium` matched: `country` was "CA" and `plan` was "premium" and `appVersion` was "2.10.1" and `targetingKey` was "user-123", not in segment `employees` (`email` was missing, wanted a text ending with "@shop.example")',
    'the ramp is at 5 % since 2026-11-20 12:00 UTC',
    expect.stringMatching(/^`targetingKey` was "user-123": bucket [\d,]+ of 100,000 fell into `(on|off)` /),
    expect.stringMatching(/^serves "(on|off)" = (true|false) \(SPLIT\)$/),
  ])
  expect(user.rules[0].sentence).toBe(
    'If country is one of "CA" and plan is "premium" and appVersion is at least 2.4.0 (version) and the context is ' +
      'not in segment "employees": serves "on" to 5 % by targetingKey from 2026-11-20 12:00 UTC on, widening to 50 % ' +
      'by 2026-11-27 12:00 UTC in 7 steps; the rest get "off".',
  )
  expect((await explain({ targetingKey: 'tester-1' })).decision.variant).toBe('on')
  const employee = await explain({ targetingKey: 'e', email: 'e@shop.example', ...premium })
  expect(employee.decision).toMatchObject({ variant: 'off', reason: 'DEFAULT' })
  expect(employee.text[2]).toContain('what it excludes applies (matches segment `employees`')
  const german = await explain({ targetingKey: 'user-123', ...premium, country: 'DE' })
  expect(german.text[2]).toBe('rule 1 `canada-premium` did not match: `country` was "DE", wanted one of CA')
})

test('a viewer may explain, and operate on nothing', async () => {
  const viewer = await kit.makeToken({ project: 'shop', environment: 'production', role: 'viewer' })
  const body = { variant: 'on', percent: 5 }
  expectProblem(await kit.call('POST', '/flags/checkout/rollout', { token: viewer, body }), 'forbidden')
  await kit.ok('POST', '/flags/checkout/explain', { token: viewer, body: {} })
})
