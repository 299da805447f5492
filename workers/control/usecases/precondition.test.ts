import { beforeAll, expect, test } from 'vitest'
import { api, type Operation } from '@halyard/shared/contract/api.ts'
import { expectProblem, makeShop, production, shop, useKit } from '../test-kit.ts'

const kit = useKit()
let token: string
const checkout = `${shop}/flags/checkout`
const inProduction = `${production}/flags/checkout`
const beta = `${shop}/segments/beta`
const betaInProduction = `${production}/segments/beta`
const experiments = `${shop}/layers/experiments`
const overriding = { targetingKeys: ['u'], variant: 'on' }

beforeAll(async () => {
  await makeShop(kit)
  await kit.ok('POST', `${shop}/segments`, { body: { key: 'beta' } })
  await kit.ok('POST', `${shop}/layers`, { body: { key: 'experiments' } })
  token = await kit.makeToken({ project: 'shop', environment: 'production' })
})

/** Every object with an entity tag: where it is read, and the writes that heed If-Match. */
const tagged: Partial<Record<Operation, { at: string; read: string; body?: object; isShort?: true }>> = {
  updateProject: { at: shop, read: shop, body: { name: 'n' } },
  updateEnvironment: { at: production, read: production, body: { name: 'n' } },
  freezeEnvironment: { at: `${production}/freeze`, read: production, body: { comment: 'c' } },
  unfreezeEnvironment: { at: `${production}/unfreeze`, read: production },
  updateFlag: { at: checkout, read: checkout, body: { name: 'n' } },
  archiveFlag: { at: checkout, read: checkout },
  restoreFlag: { at: `${checkout}/restore`, read: checkout },
  updateFlagState: { at: inProduction, read: inProduction, body: { enabled: true } },
  toggleFlag: { at: `${inProduction}/toggle`, read: inProduction },
  rolloutFlag: { at: `${inProduction}/rollout`, read: inProduction, body: { variant: 'on', percent: 5 } },
  overrideFlag: { at: `${inProduction}/override`, read: inProduction, body: overriding },
  updateSegment: { at: beta, read: beta, body: { name: 'n' } },
  archiveSegment: { at: beta, read: beta },
  restoreSegment: { at: `${beta}/restore`, read: beta },
  updateSegmentState: { at: betaInProduction, read: betaInProduction, body: { include: ['u'] } },
  updateLayer: { at: experiments, read: experiments, body: { name: 'n' } },
  archiveLayer: { at: experiments, read: experiments },
  restoreLayer: { at: `${experiments}/restore`, read: experiments },
  shortUpdateSegment: { at: '/segments/beta', read: '/segments/beta', body: { name: 's' }, isShort: true },
  shortArchiveSegment: { at: '/segments/beta', read: '/segments/beta', isShort: true },
  shortRolloutFlag: {
    at: '/flags/checkout/rollout',
    read: '/flags/checkout',
    body: { variant: 'on', percent: 5 },
    isShort: true,
  },
  shortOverrideFlag: {
    at: '/flags/checkout/override',
    read: '/flags/checkout',
    body: overriding,
    isShort: true,
  },
  shortUpdateFlag: { at: '/flags/checkout', read: '/flags/checkout', body: { name: 's' }, isShort: true },
  shortArchiveFlag: { at: '/flags/checkout', read: '/flags/checkout', isShort: true },
  shortToggleFlag: { at: '/flags/checkout/toggle', read: '/flags/checkout', isShort: true },
}

test('every operation that changes something with an entity tag is covered here', () => {
  // Lists of members, whose bodies are no JSON, are asked in members.test.ts.
  const changing = Object.entries(api).filter(
    ([operation, endpoint]) =>
      'etag' in endpoint &&
      endpoint.method !== 'GET' &&
      !('status' in endpoint) &&
      !operation.endsWith('Members'),
  )
  expect(Object.keys(tagged).toSorted()).toEqual(changing.map(([operation]) => operation).toSorted())
})

test('a PATCH without If-Match is refused', async () => {
  const before = await kit.stored()
  for (const [operation, { method }] of Object.entries(api)) {
    const { at, body, isShort } = tagged[operation as Operation] ?? {}
    if (method !== 'PATCH' || !at) continue
    expectProblem(await kit.call('PATCH', at, { body, ...(isShort && { token }) }), 'precondition_required')
  }
  expect(await kit.stored()).toEqual(before)
})

test('a write with an If-Match that is out of date is refused, with the current state', async () => {
  const before = await kit.stored()
  for (const [operation, { at, read, body, isShort }] of Object.entries(tagged)) {
    const who = isShort && { token }
    const { method } = api[operation as Operation]
    const current = await kit.call('GET', read, { ...who })
    for (const ifMatch of ['"77"', '"1.77"', '', 'x', '"1', `"${'9'.repeat(50)}"`]) {
      const reply = await kit.call(method, at, { ...who, body, headers: { 'if-match': ifMatch } })
      expect(expectProblem(reply, 'precondition_failed')['current']).toMatchObject(current.body)
      expect(reply.headers.get('etag')).toBe(current.headers.get('etag'))
    }
  }
  expect(await kit.stored()).toEqual(before)
})

test('the tag of an answer is the If-Match of the next write, and is spent by it', async () => {
  const write = (ifMatch: string, name: string) =>
    kit.call('PATCH', checkout, { body: { name }, headers: { 'if-match': ifMatch } })
  const read = await kit.call('GET', checkout)
  const first = await write(read.headers.get('etag') ?? '', 'one')
  expect(first.status).toBe(200)
  expect((await kit.call('GET', checkout)).headers.get('etag')).toBe(first.headers.get('etag'))
  expectProblem(await write(read.headers.get('etag') ?? '', 'two'), 'precondition_failed')
  // A list, and a tag that a compressing proxy made weak.
  expect((await write(`"0", W/${first.headers.get('etag')}`, 'three')).status).toBe(200)
  expect((await write('*', 'four')).status).toBe(200)
})

test('of two writes on the same state one wins, and the other sees it', async () => {
  const etag = (await kit.call('GET', inProduction)).headers.get('etag') ?? ''
  const replies = await Promise.all(
    ['a', 'b', 'c'].map((country) => {
      const rules = [{ when: { attribute: 'country', op: 'eq', value: country }, serve: { variant: 'on' } }]
      return kit.call('PATCH', inProduction, { body: { rules }, headers: { 'if-match': etag } })
    }),
  )
  expect(replies.map(({ status }) => status).toSorted()).toEqual([200, 412, 412])
  const [winner, loser] = replies.toSorted((a, b) => a.status - b.status)
  expect(loser?.body.current.rules).toEqual(winner?.body.rules)
})

test('definition and state of a flag have tags of their own; the short form has one of both', async () => {
  const tags = async () =>
    await Promise.all(
      [checkout, inProduction, '/flags/checkout'].map(async (path) =>
        (await kit.call('GET', path, path === '/flags/checkout' ? { token } : {})).headers.get('etag'),
      ),
    )
  const before = await tags()
  await kit.ok('POST', `${inProduction}/toggle`)
  const toggled = await tags()
  expect(toggled.map((tag, index) => tag === before[index])).toEqual([true, false, false])
  await kit.ok('PATCH', checkout, { body: { description: 'x' }, headers: { 'if-match': '*' } })
  expect((await tags()).map((tag, index) => tag === toggled[index])).toEqual([false, true, false])
})

test('a read with the present tag is answered without a body', async () => {
  const { headers } = await kit.call('GET', checkout)
  const etag = headers.get('etag') ?? ''
  for (const held of [etag, `"0", ${etag}`, `W/${etag}`]) {
    const reply = await kit.call('GET', checkout, { headers: { 'if-none-match': held } })
    expect({ status: reply.status, text: reply.text, etag: reply.headers.get('etag') }).toEqual({
      status: 304,
      text: '',
      etag,
    })
  }
  expect((await kit.call('GET', checkout, { headers: { 'if-none-match': '"0"' } })).status).toBe(200)
})
