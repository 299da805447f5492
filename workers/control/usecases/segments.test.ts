import { beforeAll, expect, test } from 'vitest'
import { expectProblem, makeShop, pointersOf, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()
const headers = { 'if-match': '*' }
const segments = `${shop}/segments`
const inProduction = `${production}/segments`
const inSegment = (segment: string, serve: object = { variant: 'on' }) => ({ when: { segment }, serve })
let token: string

beforeAll(async () => {
  await makeShop(kit)
  token = await kit.makeToken({ project: 'shop', environment: 'production', role: 'editor' })
})

const patchState = (key: string, body: object) =>
  kit.call('PATCH', `${inProduction}/${key}`, { body, headers })
const addRule = (key: string, rule: object) =>
  kit.call('PATCH', `${production}/flags/${key}`, { body: { rules: [rule] }, headers })

test('a new segment has nobody, but for what its environments are given', async () => {
  const when = { attribute: 'plan', op: 'eq', value: 'pro' }
  const body = { key: 'fresh', environments: { staging: { include: ['u1'], when } } }
  const made = await kit.ok('POST', segments, { body })
  expect(made).toMatchObject({ key: 'fresh', name: 'fresh', tags: [], archived: false, warnings: [] })
  expect(Object.keys(made.versions).toSorted()).toEqual(['development', 'production', 'staging'])
  const empty = { attribute: 'targetingKey', include: [], exclude: [], when: null, members: null }
  expect(await kit.ok('GET', `${inProduction}/fresh`)).toMatchObject(empty)
  const given = { ...empty, include: ['u1'], when }
  expect(await kit.ok('GET', `${shop}/environments/staging/segments/fresh`)).toMatchObject(given)
})

test('a segment decides who takes a rule: exclude beats include beats the tree', async () => {
  await kit.ok('POST', segments, { body: { key: 'beta' } })
  const when = { attribute: 'plan', op: 'eq', value: 'pro' }
  expect((await patchState('beta', { include: ['in', 'both'], exclude: ['both', 'out'], when })).status).toBe(
    200,
  )
  expect((await addRule('checkout', inSegment('beta', { variant: 'off' }))).status).toBe(200)
  await kit.ok('POST', `${production}/flags/checkout/toggle`, { body: { enabled: true } })
  const decide = async (context: object) => {
    const { flags } = await kit.ok('POST', `${production}/evaluate`, { body: { flag: 'checkout', context } })
    return flags[0].variant
  }
  const contexts = [
    { targetingKey: 'in' },
    { targetingKey: 'both', plan: 'pro' },
    { targetingKey: 'out', plan: 'pro' },
    { targetingKey: 'x', plan: 'pro' },
    { targetingKey: 'x' },
  ]
  expect(await Promise.all(contexts.map(decide))).toEqual(['off', 'on', 'on', 'off', 'on'])
})

test('a patch changes what it names; null takes the tree away, and members are not for it', async () => {
  await kit.ok('POST', segments, { body: { key: 'merge' } })
  const when = { attribute: 'a', op: 'exists' }
  await patchState('merge', { include: ['u'], when })
  const { body } = await patchState('merge', { exclude: ['v'] })
  expect(body).toMatchObject({ include: ['u'], exclude: ['v'], when })
  expect((await patchState('merge', { when: null })).body).toMatchObject({ include: ['u'], when: null })
  expect(pointersOf(await patchState('merge', { members: null }))).toEqual(['/members'])
})

const refused: [string, object, string[]][] = [
  ['10,001 ids', { include: Array.from({ length: 10_001 }, String) }, ['/include']],
  ['an empty and a long id', { exclude: ['', 'x'.repeat(257)] }, ['/exclude/0', '/exclude/1']],
  ['a number for an id', { include: [1] }, ['/include/0']],
  [
    'a comparison that the engine refuses',
    { when: { attribute: 'a', op: 'matches', value: '(' } },
    ['/when'],
  ],
  ['an unknown segment', { when: { not: { segment: 'none' } } }, ['/when/not/segment']],
  ['an unknown flag', { when: { flag: 'none', variants: ['on'] } }, ['/when/flag']],
  ['itself', { when: { any: [{ segment: 'strict' }] } }, ['/when/any/0/segment']],
]

test.for(refused)('a segment may not have %s', async ([, body, pointers]) => {
  await kit.call('POST', segments, { body: { key: 'strict' } })
  const before = await kit.stored()
  const reply = await patchState('strict', body)
  expect(reply.body.errors?.map(({ pointer }: { pointer: string }) => pointer)).toEqual(pointers)
  expect(reply.status).toBe(400)
  expect(await kit.stored()).toEqual(before)
})

test('a segment of 10,000 ids is saved and published', async () => {
  await kit.ok('POST', segments, { body: { key: 'large' } })
  const include = Array.from({ length: 10_000 }, (_, i) => `user-${i}`)
  expect((await patchState('large', { include })).body.include).toHaveLength(10_000)
  expect((await patchState('large', { include: [] })).status).toBe(200)
})

test('a segment that flags or segments use is archived only after them, and restored only with what it uses', async () => {
  for (const key of ['inner', 'outer']) await kit.ok('POST', segments, { body: { key } })
  await patchState('outer', { when: { segment: 'inner' } })
  await kit.ok('POST', `${shop}/flags`, {
    body: { key: 'user', environments: { production: { rules: [inSegment('outer')] } } },
  })
  const before = await kit.stored()
  const used = expectProblem(await kit.call('DELETE', `${segments}/inner`), 'in_use')
  expect(used.detail).toBe('segment "inner" is used by segment "outer" in production')
  expect(expectProblem(await kit.call('DELETE', `${segments}/outer`), 'in_use').detail).toContain(
    'flag "user"',
  )
  expect(await kit.stored()).toEqual(before)
  await kit.ok('DELETE', `${shop}/flags/user`)
  await kit.ok('DELETE', `${segments}/outer`)
  await kit.ok('DELETE', `${segments}/inner`)
  const restored = await kit.call('POST', `${segments}/outer/restore`)
  expectProblem(restored, 'unknown_reference')
  expect(restored.body.errors[0].detail).toBe('production has at /when/segment: segment "inner" is archived')
  expectProblem(await addRule('checkout', inSegment('outer')), 'unknown_reference')
  for (const key of ['inner', 'outer']) await kit.ok('POST', `${segments}/${key}/restore`)
  await kit.ok('POST', `${shop}/flags/user/restore`)
})

test('an archived segment stays as it is', async () => {
  await kit.ok('POST', segments, { body: { key: 'kept' } })
  await kit.ok('DELETE', `${segments}/kept`)
  const before = await kit.stored()
  expectProblem(await patchState('kept', { include: ['u'] }), 'segment_archived')
  const renamed = await kit.call('PATCH', `${segments}/kept`, { body: { name: 'x' }, headers })
  expectProblem(renamed, 'segment_archived')
  await kit.ok('DELETE', `${segments}/kept`)
  expect(await kit.stored()).toEqual(before)
  expectProblem(await kit.call('POST', segments, { body: { key: 'KEPT' } }), 'segment_exists')
})

test('a stale tag is refused with the present segment', async () => {
  await kit.ok('POST', segments, { body: { key: 'tagged' } })
  const { headers: read } = await kit.call('GET', `${inProduction}/tagged`)
  const stale = { 'if-match': read.get('etag') ?? '' }
  await patchState('tagged', { include: ['u'] })
  const reply = await kit.call('PATCH', `${inProduction}/tagged`, { body: { include: [] }, headers: stale })
  expectProblem(reply, 'precondition_failed')
  expect(reply.body.current).toMatchObject({ key: 'tagged', include: ['u'] })
  const unnamed = await kit.call('PATCH', `${inProduction}/tagged`, { body: { include: [] } })
  expectProblem(unnamed, 'precondition_required')
})

test('the same request with the same Idempotency-Key makes one segment', async () => {
  const options = { body: { key: 'once' }, headers: { 'idempotency-key': 'k' } }
  const first = await kit.ok('POST', segments, options)
  expect(await kit.ok('POST', segments, options)).toEqual(first)
})

test('short forms read and change the segment in the environment of the token', async () => {
  const made = await kit.ok('POST', '/segments', {
    token,
    body: { key: 'short', environments: { production: { include: ['u'] } } },
  })
  expect(made).toMatchObject({ key: 'short', environment: 'production', include: ['u'] })
  const patch = { token, headers, body: { name: 'Short', when: { attribute: 'a', op: 'exists' } } }
  await kit.ok('PATCH', '/segments/short', patch)
  const { headers: read, body } = await kit.call('GET', '/segments/short', { token })
  expect(body).toMatchObject({ name: 'Short', include: ['u'], when: patch.body.when })
  const listed = await kit.ok('GET', '/segments?text=short', { token })
  expect(listed.items).toEqual([body])
  const stale = await kit.call('DELETE', '/segments/short', { token, headers: { 'if-match': '"0.0"' } })
  expectProblem(stale, 'precondition_failed')
  await kit.ok('DELETE', '/segments/short', { token, headers: { 'if-match': read.get('etag') ?? '' } })
  expect((await kit.ok('GET', '/segments?archived=true&text=short', { token })).items).toHaveLength(1)
})

test('a token of one environment may not say who belongs to a segment in another', async () => {
  const body = { key: 'elsewhere', environments: { staging: { include: ['u'] } } }
  expect(pointersOf(await kit.call('POST', '/segments', { token, body }))).toEqual(['/environments/staging'])
})

test('an environment that is made later starts with the segments, and without their ids', async () => {
  const body = { key: 'early', environments: { production: { include: ['u'] } } }
  await kit.ok('POST', segments, { body })
  await kit.ok('POST', `${shop}/environments`, { body: { key: 'late' } })
  expect(await kit.ok('GET', `${shop}/environments/late/segments/early`)).toMatchObject({ include: [] })
  const state = { enabled: true, rules: [inSegment('early')], fallthrough: { variant: 'off' } }
  await kit.ok('PATCH', `${shop}/environments/late/flags/checkout`, { headers, body: state })
  const evaluated = await kit.ok('POST', `${shop}/environments/late/evaluate`, {
    body: { flag: 'checkout', context: { targetingKey: 'u' } },
  })
  expect(evaluated.flags[0]).toMatchObject({ variant: 'off', reason: 'DEFAULT' })
})

test('a segment that reads facts of the request says so when it is saved, in each environment', async () => {
  const when = {
    any: [
      { attribute: 'edge.country', op: 'eq', value: 'CA' },
      { attribute: 'plan', op: 'exists' },
    ],
  }
  const body = { key: 'nearby', environments: { production: { when }, staging: { attribute: 'edge.ip' } } }
  const { warnings } = await kit.ok('POST', `${shop}/segments`, { body })
  expect(warnings).toEqual([
    {
      code: 'request_facts',
      pointer: '/environments/production/when',
      detail: expect.stringContaining('"edge.country"'),
    },
    {
      code: 'request_facts',
      pointer: '/environments/staging/attribute',
      detail: expect.stringContaining('"edge.ip"'),
    },
  ])
  const patch = async (change: object) =>
    (await kit.ok('PATCH', `${production}/segments/nearby`, { body: change, headers: { 'if-match': '*' } }))
      .warnings
  expect(await patch({ include: ['a'] })).toEqual([])
  expect(await patch({ when: { not: when } })).toMatchObject([{ code: 'request_facts', pointer: '/when' }])
})
