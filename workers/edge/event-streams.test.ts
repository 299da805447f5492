import { expect, test, vi } from 'vitest'
import { windowMs } from './stream-credential.ts'
import { asEvents, hearEvents, patience } from './stream-kit.ts'
import { closedMs } from './stream-admission.ts'
import { hubWithout, makeWorld, sampleFlags, startEdge, type CallOptions } from './test-kit.ts'

interface Bulk {
  readonly flags: readonly object[]
  readonly eventStreams?: readonly {
    readonly type: string
    readonly endpoint: { readonly requestUri: string }
    readonly inactivityDelaySec: number
  }[]
}

type Call = ReturnType<typeof startEdge>['call']

const ask = async (call: Call, options: CallOptions, path = '/ofrep/v1/evaluate/flags') => {
  const answer = await call(path, { body: { context: { targetingKey: 'user-1' } }, ...options })
  const text = await answer.text()
  const bulk: Bulk = text === '' ? { flags: [] } : JSON.parse(text)
  return { status: answer.status, etag: answer.headers.get('ETag') ?? '', text, bulk }
}

const uriOf = ({ bulk }: Awaited<ReturnType<typeof ask>>) => bulk.eventStreams?.[0]?.endpoint.requestUri ?? ''
const refetch = (etag: string) => ({ id: etag, data: `{"type":"refetchEvaluation","etag":"${etag}"}` })

test.each(['client', 'server'] as const)(
  'a bulk answer for class %s offers a stream that tells when to fetch again',
  async (keyClass) => {
    const { publish, ...keys } = await makeWorld()
    await publish(1)
    const { call } = startEdge()
    const answer = await ask(call, { key: keys[keyClass].text })
    expect(answer.bulk.eventStreams).toMatchObject([{ type: 'sse', inactivityDelaySec: 120 }])
    const page = hearEvents(await call(uriOf(answer), { headers: asEvents }))
    await vi.waitFor(() => expect(page.events).toEqual([refetch('1.1')]), patience)
    await publish(2, { flags: { late: {} } })
    await vi.waitFor(() => expect(page.events).toEqual([refetch('1.1'), refetch('1.2')]), patience)
    const fetched = await ask(
      call,
      { key: keys[keyClass].text },
      '/ofrep/v1/evaluate/flags?flagConfigEtag=1.2',
    )
    expect(fetched.bulk.flags).toMatchObject([{ key: 'late' }])
    await page.stop()
  },
)

test('a client that comes back is told at once of what it missed, and else only that it is connected', async () => {
  const { client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const uri = uriOf(await ask(call, { key: client.text }))
  const open = async (id: string) =>
    hearEvents(await call(uri, { headers: { ...asEvents, 'Last-Event-ID': id } }))
  const current = await open('1.1')
  await vi.waitFor(() => expect(current.events).toHaveLength(1), patience)
  expect(current.events[0]).toEqual({ id: '1.1', data: '{"type":"connected"}' })
  await current.stop()
  await publish(2, { flags: { late: {} } })
  const late = await open('1.1')
  await vi.waitFor(() => expect(late.events).toEqual([refetch('1.2')]), patience)
  await late.stop()
})

test('class server is told of hidden flags, class client is not', async () => {
  const { client, server, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const open = async (key: string) =>
    hearEvents(await call(uriOf(await ask(call, { key })), { headers: asEvents }))
  const [page, backend] = [await open(client.text), await open(server.text)]
  await vi.waitFor(() => expect([page.events.length, backend.events.length]).toEqual([1, 1]), patience)
  await publish(2, { flags: { ...sampleFlags, hidden: { clientVisible: false, enabled: false } } })
  await vi.waitFor(() => expect(backend.events.at(-1)).toEqual(refetch('1.2')), patience)
  await publish(3, { flags: { ...sampleFlags, late: {} } })
  await vi.waitFor(() => expect(page.events.at(-1)).toEqual(refetch('1.3')), patience)
  expect(page.events).toHaveLength(2)
  await Promise.all([page.stop(), backend.stop()])
})

test('every location offers the same stream under the same ETag, and another one in the next window', async () => {
  const { client, publish } = await makeWorld()
  await publish(1)
  const now = Date.now()
  const { call, clock } = startEdge({}, now)
  const first = await ask(call, { key: client.text })
  const elsewhere = await ask(startEdge({}, now).call, { key: client.text })
  expect([elsewhere.text, elsewhere.etag]).toEqual([first.text, first.etag])
  const headers = { 'If-None-Match': first.etag }
  expect((await ask(call, { key: client.text, headers })).status).toBe(304)
  clock.aheadMs = windowMs
  const later = await ask(call, { key: client.text, headers })
  expect(later.status, 'who keeps the old answer would keep the old credential').toBe(200)
  expect(later.bulk.flags).toEqual(first.bulk.flags)
  expect(uriOf(later)).not.toBe(uriOf(first))
})

test('the credential of an answer that is about to be replaced is good for another half an hour', async () => {
  const { client, publish } = await makeWorld()
  await publish(1)
  const { call, clock } = startEdge({})
  const uri = uriOf(await ask(call, { key: client.text }))
  clock.aheadMs = windowMs - 1_000
  const answer = await call(uri, { headers: asEvents })
  expect(answer.status).toBe(200)
  await answer.body?.cancel()
})

test('while streams are refused none is offered, under another ETag, and afterwards again', async () => {
  const { client, publish } = await makeWorld()
  await publish(1)
  const outcome = { success: true }
  const { call, clock } = startEdge({ STREAM_OPENS: { limit: async () => outcome } }, Date.now())
  const open = await ask(call, { key: client.text })
  outcome.success = false
  const page = hearEvents(await call(uriOf(open), { headers: asEvents }))
  await vi.waitFor(() => expect(page.state.isOver).toBe(true), patience)
  expect(page.hints[0]).toBeGreaterThanOrEqual(1_000)
  const closed = await ask(call, { key: client.text, headers: { 'If-None-Match': open.etag } })
  expect([closed.status, closed.bulk.eventStreams, closed.bulk.flags.length]).toEqual([
    200,
    undefined,
    open.bulk.flags.length,
  ])
  expect(closed.etag).not.toBe(open.etag)
  clock.aheadMs = closedMs
  expect((await ask(call, { key: client.text, headers: { 'If-None-Match': closed.etag } })).text).toBe(
    open.text,
  )
})

test('a stream is offered although the hub is dead: who has one comes back to it by itself', async () => {
  const { client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge({ HUB: hubWithout('fetch') }, Date.now())
  const first = await ask(call, { key: client.text })
  const page = hearEvents(await call(uriOf(first), { headers: asEvents }))
  await vi.waitFor(() => expect(page.state.isOver).toBe(true), patience)
  expect(page.hints[0]).toBeGreaterThanOrEqual(1_000)
  expect((await ask(call, { key: client.text })).text).toBe(first.text)
})

test('one flag, and our own form, offer no stream', async () => {
  const { client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  for (const path of ['/ofrep/v1/evaluate/flags/steady', '/v1/evaluate'])
    expect((await ask(call, { key: client.text }, path)).text).not.toContain('eventStreams')
})
