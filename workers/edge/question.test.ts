import { beforeEach, expect, test, vi } from 'vitest'
import { loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { missingBlobs } from './blobs.ts'
import type { EdgeEnv } from './env.ts'
import { blobOf, bodyOf, hubWithout, makeWorld, segmentLine, startEdge, type Flags } from './test-kit.ts'
import { makeView } from './view-state.ts'

const bulk = '/ofrep/v1/evaluate/flags'
const on = { variant: 'on' }
const off = { variant: 'off' }
const inSegment = (segment: string, rest: object = {}): Flags[string] => ({
  rules: [{ id: 'rul_1', when: { segment }, serve: on }],
  ...rest,
})
const inCanada = { attribute: 'country', op: 'in', values: ['CA'] }
const user = { context: { targetingKey: 'user-1' } }
const hanging = () => new Promise<never>(() => undefined)

// Every fault is logged, as it should be.
beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined))

/** An environment with segments of one member, user-1, each with a blob of its own. */
async function start(flags: Flags, segments: readonly string[] = ['many'], overrides: Partial<EdgeEnv> = {}) {
  const world = await makeWorld()
  const lines = await Promise.all(
    segments.map(async (key) => segmentLine(key, await world.store(['user-1', key]), 2)),
  )
  await world.publish(1, { flags, lines })
  return { ...world, key: world.server.text, lines, ...startEdge(overrides) }
}

/** A body whose end comes when it is told to. */
function slowBody(text: string) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const bytes = new TextEncoder().encode(text)
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytes.slice(0, 5)),
    pull: async (controller) => {
      await promise
      controller.enqueue(bytes.slice(5))
      controller.close()
    },
  })
  return { body, finish: resolve }
}

test.each([
  [bulk, '{"context":{}}'],
  [`${bulk}/steady`, '{"context":{}}'],
  ['/v1/evaluate', '{"flag":"steady"}'],
  ['/v1/evaluate', '{"flags":["steady"]}'],
  ['/v1/evaluate', '{}'],
])('what a slow body asks is answered from the copy held when it ends: %s %s', async (path, text) => {
  const { client, publish, call, fetch } = await start({ steady: { fallthrough: off } }, [])
  await call('/v1/status', { key: client.text })
  const { body, finish } = slowBody(text)
  const headers = { Authorization: `Bearer ${client.text}` }
  const slow = fetch(
    new Request(`https://edge${path}`, { method: 'POST', headers, body, cf: { country: 'FR' } }),
  )
  // It reads a fact of the request, which the version before did not.
  const when = { attribute: 'edge.country', op: 'eq', value: 'FR' } as const
  await publish(2, { flags: { steady: { rules: [{ id: 'rul_1', when, serve: on }] } } })
  const newer = await call('/v1/status', { key: client.text, headers: { 'Halyard-Min-Version': '1.2' } })
  expect(newer.headers.get('Halyard-Version')).toBe('1.2')
  finish()
  const answer = await slow
  const said = ['Version', 'Age', 'Confirmed'].map((name) => answer.headers.get(`Halyard-${name}`))
  expect(said).toEqual(['1.2', '0', 'true'])
  expect(await answer.text()).toContain('"key":"steady","value":true')
})

test.each([bulk, `${bulk}/large`])(
  'an answer that waited for a blob is made from the copy held by then: %s',
  async (path) => {
    const hub = hubWithout()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const { promise: asked, resolve: onAsked } = Promise.withResolvers<void>()
    const blob: typeof hub.blob = async (environment, hash) => {
      onAsked()
      await released
      return await hub.blob(environment, hash)
    }
    const { key, publish, lines, call } = await start({ large: inSegment('many') }, ['many'], {
      HUB: { ...hub, blob },
    })
    const waiting = call(path, { key, body: user })
    await asked
    const reversed = { rules: [{ id: 'rul_1', when: { segment: 'many' }, serve: off }], fallthrough: on }
    await publish(2, { flags: { large: reversed }, lines })
    await call('/v1/status', { key, headers: { 'Halyard-Min-Version': '1.2' } })
    release()
    const answer = await waiting
    expect(answer.headers.get('Halyard-Version')).toBe('1.2')
    expect(await answer.text()).toContain('"key":"large","value":false,"reason":"TARGETING_MATCH"')
  },
)

test('a bulk answer waits for no blob that its context does not reach, and has the tag of a whole one', async () => {
  const partly = {
    rules: [{ id: 'rul_1', when: { all: [inCanada, { segment: 'many' }] }, serve: on }],
  } as Flags[string] & object
  let asked = 0
  const HUB = { ...hubWithout(), blob: () => ((asked += 1), hanging()) }
  const { key, call, bindings } = await start({ partly }, ['many'], { HUB })
  for (const path of [bulk, '/v1/evaluate'])
    expect(await (await call(path, { key, body: user })).text()).toContain('"key":"partly","value":false')
  const tag = (await call(bulk, { key, body: user })).headers.get('ETag') ?? ''
  expect(tag).toMatch(/^"/)
  const again = await call(bulk, { key, body: user, headers: { 'If-None-Match': tag } })
  expect(again.status).toBe(304)
  expect(asked).toBe(0)
  bindings.HUB = hubWithout()
  const canadian = { context: { targetingKey: 'user-1', country: 'CA' } }
  expect(await (await call(bulk, { key, body: canadian })).text()).toContain('"key":"partly","value":true')
  expect((await call(bulk, { key, body: user })).headers.get('ETag'), 'with the blob').toBe(tag)
})

/** Flags whose answers say nothing of the blob that they lack: what cannot be decided gives no variant to others. */
const quiet: Flags = {
  base: inSegment('many', { clientVisible: false }),
  child: { prerequisites: [{ flag: 'base', variants: ['on'] }], fallthrough: on },
  grandchild: { rules: [{ id: 'rul_1', when: { flag: 'child', variants: ['on'] }, serve: on }] },
}

test.each(['child', 'grandchild'])(
  'a blob is fetched too where the answer without it would be no error: %s',
  async (flag) => {
    for (const [path, body] of [
      [bulk, user],
      [`${bulk}/${flag}`, user],
      ['/v1/evaluate', { ...user, flags: [flag] }],
    ] as const) {
      const { client, server, call } = await start(quiet)
      const { call: callOther } = startEdge()
      const answers = [
        await call(path, { key: client.text, body }),
        await callOther(path, { key: server.text, body }),
      ]
      for (const answer of answers)
        expect([path, await answer.text()]).toEqual([
          path,
          expect.stringContaining(`"key":"${flag}","value":true`),
        ])
    }
  },
)

test('an answer that lacks a blob without saying so has no ETag', async () => {
  const { client, call } = await start(quiet, ['many'], { HUB: hubWithout('blob') })
  const answer = await call(bulk, { key: client.text, body: user, headers: { 'If-None-Match': '*' } })
  expect([answer.status, answer.headers.get('ETag')]).toEqual([200, null])
  expect(await answer.text()).toContain('"key":"child","value":false,"reason":"DISABLED"')
})

test('a flag that needs several blobs, one after the other, is decided in one request', async () => {
  const keys = ['a', 'b', 'c', 'd', 'e']
  const when = { all: keys.map((segment) => ({ segment })) }
  const { key, call } = await start({ deep: { rules: [{ id: 'rul_1', when, serve: on }] } }, keys)
  expect(await (await call(`${bulk}/deep`, { key, body: user })).json()).toMatchObject({ value: true })
})

test('class client waits for no blob of a hidden flag, named beside others or not', async () => {
  const hub = hubWithout()
  const flags = { hidden: inSegment('few', { clientVisible: false }), large: inSegment('many') }
  const forms = [
    { path: '/v1/evaluate', rest: { flags: ['hidden', 'large'] } },
    { path: bulk, rest: {} },
  ]
  for (const { path, rest } of forms) {
    const asked: string[] = []
    const blob: typeof hub.blob = (environment, hash) => (asked.push(hash), hub.blob(environment, hash))
    const { client, call } = await start(flags, ['few', 'many'], { HUB: { ...hub, blob } })
    const answer = await call(path, { key: client.text, body: { ...user, ...rest } })
    expect(await answer.text()).toContain('"key":"large","value":true')
    expect([path, asked.length]).toEqual([path, 1])
  }
})

test('a newer snapshot lacks no blob that is in memory', async () => {
  const hash = await sha256Hex(blobOf(['user-1']))
  const body = bodyOf({ large: inSegment('many') }, [segmentLine('many', hash, 1)])
  const view = makeView('env_1', 0)
  expect(missingBlobs(view, loadSnapshot(body), false)).toEqual([hash])
  view.blobs.set(hash, blobOf(['user-1']))
  const newer = loadSnapshot(body)
  expect(missingBlobs(view, newer, false)).toEqual([])
  expect(newer.blobs.has(hash)).toBe(true)
})
