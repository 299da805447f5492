import { beforeEach, expect, test, vi } from 'vitest'
import { kvNames } from '@halyard/shared/protocol/hub.ts'
import type { EdgeEnv } from './env.ts'
import { edgeEnv, hubWithout, makeWorld, publicationOf, sampleFlags, startEdge } from './test-kit.ts'

type Places = Pick<CacheStorage, 'open'>
type Answer = Awaited<ReturnType<EdgeEnv['HUB']['read']>>

const html = '<!doctype html>\n<title>Service temporarily unavailable</title>'

const hubs: Readonly<Record<string, () => Promise<Answer>>> = {
  'throws 429': async () => await Promise.reject(new Error('429: too many requests')),
  hangs: () => new Promise(() => undefined),
  'says that there is nothing': async () => null,
  'answers a page': async () => html as unknown as Answer,
  'answers without a head': async () => ({ body: '', access: '' }) as unknown as Answer,
}

const kvs: Readonly<Record<string, () => Promise<string | null>>> = {
  'throws 429': async () => await Promise.reject(new Error('429: too many requests')),
  'answers a page': async () => html,
  'answers nothing': async () => '',
  'is empty': async () => null,
}

const caches: Readonly<Record<string, () => Promise<Response | undefined>>> = {
  'is empty': async () => undefined,
  'answers 404': async () => new Response('not found', { status: 404 }),
  'answers a page': async () => new Response(html),
  'answers nothing': async () => new Response(''),
  throws: async () => await Promise.reject(new Error('no cache')),
}

const combinations = Object.keys(hubs).flatMap((hub) =>
  Object.keys(kvs).flatMap((kv) => Object.keys(caches).map((cache) => ({ hub, kv, cache }))),
)

// Every fault is logged, as it should be.
beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined))

/** Sources that refuse, each in its way, until they are mended. */
function makeRefusing({ hub, kv, cache }: (typeof combinations)[number]) {
  const state = { isMended: false }
  const read = hubs[hub]
  const get = kvs[kv]
  const match = caches[cache]
  const places: Places = {
    open: async () => ({
      match: async () => (state.isMended ? undefined : await match?.()),
      put: async () => undefined,
      delete: async () => false,
    }),
  }
  const HUB = {
    ...hubWithout(),
    read: async (...args: Parameters<EdgeEnv['HUB']['read']>) =>
      (state.isMended ? await edgeEnv.HUB.read(...args) : await read?.()) ?? null,
  }
  const SNAPSHOTS = {
    get: async () => (state.isMended ? null : await get?.()),
  } as unknown as KVNamespace
  return { state, places, bindings: { HUB, SNAPSHOTS } }
}

test('whatever refuses, a warm edge answers from what it holds, and no refusal is taken for data', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const askWarm = async (combination: (typeof combinations)[number]) => {
    const { state, places, bindings } = makeRefusing(combination)
    const { call, clock } = startEdge(bindings, undefined, places)
    state.isMended = true
    expect((await call('/v1/status', { key: server.text })).status).toBe(200)
    state.isMended = false
    const values: unknown[] = []
    for (const aheadMs of [3_000, 60_000]) {
      clock.aheadMs = aheadMs
      const answer = await call('/v1/evaluate', { key: server.text, body: { flag: 'steady' } })
      values.push(answer.headers.get('Halyard-Version'), (await answer.json<{ value: unknown }>()).value)
    }
    return { ...combination, values }
  }
  const expected = combinations.map((combination) => ({ ...combination, values: ['1.1', true, '1.1', true] }))
  expect(await Promise.all(combinations.map(askWarm))).toEqual(expected)
})

test('whatever refuses, a cold edge says that it cannot answer, and answers as soon as the hub does', async () => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const askCold = async (combination: (typeof combinations)[number]) => {
    const { state, places, bindings } = makeRefusing(combination)
    const { call, clock } = startEdge(bindings, undefined, places)
    const ask = async () => (await call('/v1/evaluate', { key: server.text, body: {} })).status
    const refused = await ask()
    state.isMended = true
    clock.aheadMs += 1_000
    return { ...combination, statuses: [refused, await ask()] }
  }
  // Also where the hub says that nothing was published: that may be so for a moment only.
  const expected = combinations.map((combination) => ({ ...combination, statuses: [503, 200] }))
  expect(await Promise.all(combinations.map(askCold))).toEqual(expected)
})

test('a value of KV that was cut short anywhere is no value', async () => {
  const { environment, server, publish } = await makeWorld()
  await publish(1)
  const newer = await publicationOf(environment, 2, {
    keys: [server.entry],
    flags: { ...sampleFlags, steady: {} },
  })
  const whole = `${JSON.stringify({ signedHead: newer.signedHead, confirmedAt: Date.now() })}\n${newer.body}`
  const askAt = async (length: number) => {
    const get = async (name: string) =>
      name === kvNames.snapshot(environment) ? whole.slice(0, length) : null
    const { call, bindings, clock, settle } = startEdge()
    await call('/v1/status', { key: server.text })
    Object.assign(bindings, { HUB: hubWithout('read'), SNAPSHOTS: { get } })
    clock.aheadMs = 60_000
    await call('/v1/status', { key: server.text })
    await settle()
    return (await call('/v1/status', { key: server.text })).headers.get('Halyard-Version')
  }
  for (let length = 0; length < whole.length; length += 97)
    expect([length, await askAt(length)]).toEqual([length, '1.1'])
  expect(await askAt(whole.length)).toBe('1.2')
})
