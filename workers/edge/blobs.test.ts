import { beforeEach, expect, test, vi } from 'vitest'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { kvNames } from '@halyard/shared/protocol/hub.ts'
import {
  blobOf,
  edgeEnv,
  hubWithout,
  makeWorld,
  noPlaces,
  putPlace,
  segmentLine,
  startEdge,
  type Flags,
  type Published,
} from './test-kit.ts'

const bulk = '/ofrep/v1/evaluate/flags'
const ids = ['user-1', 'user-2', 'user-3']
const onFor = (when: object): Flags[string] => ({
  rules: [{ id: 'rul_1', when: when as { segment: string }, serve: { variant: 'on' } }],
})
const inCanada = { attribute: 'country', op: 'in', values: ['CA'] }
const flags: Flags = {
  large: onFor({ segment: 'many' }),
  partly: onFor({ all: [inCanada, { segment: 'many' }] }),
  steady: { fallthrough: { variant: 'on' } },
}
const of = (targetingKey: string, rest: object = {}) => ({ context: { targetingKey, ...rest } })

// Every fault is logged, as it should be.
beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined))

/** An environment whose snapshot names a blob, and an edge that counts what it asks the hub for. */
async function start(published: Published = { flags }, places = noPlaces) {
  const world = await makeWorld()
  const hash = await world.store(ids)
  const publish = async (version: number, rest: Published = published) =>
    await world.publish(version, { lines: [segmentLine('many', hash, ids.length)], ...rest })
  await publish(1)
  const asked: string[] = []
  const hub = hubWithout()
  const counting: typeof hub = {
    ...hub,
    blob: async (environment, wanted) => (asked.push(wanted), await hub.blob(environment, wanted)),
  }
  return {
    ...world,
    hash,
    publish,
    asked,
    key: world.server.text,
    counting,
    ...startEdge({ HUB: counting }, undefined, places),
  }
}

test('a flag is decided by the members of a large segment, asked for alone, among several and among all', async () => {
  const forms = [
    { path: `${bulk}/large`, rest: {} },
    { path: '/v1/evaluate', rest: { flag: 'large' } },
    { path: '/v1/evaluate', rest: { flags: ['large'] } },
    { path: '/v1/evaluate', rest: {} },
    { path: bulk, rest: {} },
  ]
  const { key, counting } = await start()
  for (const { path, rest } of forms) {
    const { call } = startEdge({ HUB: counting })
    const valueFor = async (user: string) => {
      const answer = await call(path, { key, body: { ...of(user), ...rest } })
      return /"key":"large","value":(true|false)/.exec(await answer.text())?.[1]
    }
    expect([path, await valueFor('user-2'), await valueFor('user-4')]).toEqual([path, 'true', 'false'])
  }
})

test('a blob is fetched once, for many requests at a time and for all that follow', async () => {
  const { key, call, asked, publish, clock, settle, hash } = await start()
  const answers = await Promise.all(Array.from({ length: 20 }, () => call(bulk, { key, body: of('user-1') })))
  for (const answer of answers) expect(await answer.text()).toContain('"key":"large","value":true')
  await call(`${bulk}/large`, { key, body: of('user-1') })
  await publish(2, { flags: { ...flags, steady: {} } })
  clock.aheadMs += 3_000
  await call('/v1/status', { key })
  await settle()
  const newer = await call(bulk, { key, body: of('user-1') })
  expect(newer.headers.get('Halyard-Version')).toBe('1.2')
  expect(await newer.text()).toContain('"key":"large","value":true')
  expect(asked).toEqual([hash])
})

test('a blob is fetched once for a location, and what lies there without its hash is refused', async () => {
  const { key, counting, asked, call, settle, hash, environment } = await start(undefined, caches)
  expect(await (await call(bulk, { key, body: of('user-1') })).text()).toContain('"key":"large","value":true')
  await settle()
  const ask = async () => {
    const other = startEdge({ HUB: counting })
    const answer = await other.call(bulk, { key, body: of('user-1') })
    expect(await answer.text()).toContain('"key":"large","value":true')
    await other.settle()
    return await (await other.call('/v1/status', { key })).json<{ refused: number }>()
  }
  expect([await ask(), asked]).toMatchObject([{ refused: 0 }, [hash]])
  await putPlace(`${environment}/${hash}`, 'other bytes')
  expect([await ask(), asked]).toMatchObject([{ refused: 1 }, [hash, hash]])
})

test('a blob is let go when the snapshot does not name it any more', async () => {
  const { key, call, asked, publish } = await start()
  const ask = async (version: string) =>
    await call(bulk, { key, body: of('user-1'), headers: { 'Halyard-Min-Version': version } })
  await ask('1.1')
  await publish(2, { flags: {}, lines: [] })
  await ask('1.2')
  await publish(3)
  expect(await (await ask('1.3')).text()).toContain('"key":"large","value":true')
  expect(asked.length).toBe(2)
})

test('a context that does not reach a blob waits for none', async () => {
  const { key, call, asked } = await start()
  const answer = await call(`${bulk}/partly`, { key, body: of('user-1', { country: 'DE' }) })
  expect(await answer.json()).toMatchObject({ value: false })
  expect(asked).toEqual([])
  const canadian = await call(`${bulk}/partly`, { key, body: of('user-1', { country: 'CA' }) })
  expect(await canadian.json()).toMatchObject({ value: true })
})

test('without the hub a blob comes from KV, and so it does when the hub hangs', async () => {
  const { key, environment, hash } = await start()
  await edgeEnv.SNAPSHOTS.put(kvNames.blob(environment, hash), blobOf(ids))
  for (const HUB of [
    hubWithout('blob'),
    { ...hubWithout(), blob: () => new Promise<never>(() => undefined) },
  ]) {
    const answer = await startEdge({ HUB }).call(`${bulk}/large`, { key, body: of('user-3') })
    expect(await answer.json()).toMatchObject({ value: true })
  }
})

test('a blob that cannot be had is GENERAL for the flags that reach it, without an ETag, until it can', async () => {
  const { key, call, bindings, clock, counting } = await start()
  bindings.HUB = hubWithout('blob')
  const ask = async () => {
    const answer = await call(bulk, { key, body: of('user-1'), headers: { 'If-None-Match': '*' } })
    return { status: answer.status, etag: answer.headers.get('ETag'), text: await answer.text() }
  }
  const lacking = await ask()
  expect(lacking).toMatchObject({ status: 200, etag: null })
  expect(lacking.text).toContain('"key":"large","errorCode":"GENERAL"')
  expect(lacking.text).toContain('"key":"steady","value":true')
  const one = await call(`${bulk}/large`, { key, body: of('user-1') })
  expect(await one.json()).toMatchObject({ key: 'large', errorCode: 'GENERAL' })
  bindings.HUB = counting
  clock.aheadMs += 1_001
  expect(await ask(), 'the tag that the answer has now is new').toMatchObject({ status: 304 })
  const whole = await call(bulk, { key, body: of('user-1') })
  expect(whole.headers.get('ETag')).toMatch(/^"/)
  expect(await whole.text()).toContain('"key":"large","value":true')
})

test('bytes that have not the hash are refused and counted, and never taken for members', async () => {
  const { key, call, bindings } = await start()
  bindings.HUB = { ...hubWithout(), blob: async () => blobOf(['user-9']) }
  const answer = await call(`${bulk}/large`, { key, body: of('user-9') })
  expect(await answer.json()).toMatchObject({ errorCode: 'GENERAL' })
  expect(await (await call('/v1/status', { key })).json()).toMatchObject({ refused: 1 })
})

test('what failed is asked for again after a second, not with each request', async () => {
  const { key, call, bindings, clock } = await start()
  let tries = 0
  bindings.HUB = { ...hubWithout(), blob: async () => ((tries += 1), null) }
  const ask = () => call(`${bulk}/large`, { key, body: of('user-1') })
  for (let i = 0; i < 5; i++) await ask()
  expect(tries).toBe(1)
  clock.aheadMs += 1_001
  await ask()
  expect(tries).toBe(2)
})

test('class client neither waits for nor hears of a blob that only hidden flags reach', async () => {
  const { client, asked, call } = await start({
    flags: { hidden: { ...(flags['large'] as object), clientVisible: false }, steady: {} },
  })
  const answer = await call(bulk, { key: client.text, body: of('user-1') })
  expect(answer.headers.get('ETag')).toMatch(/^"/)
  await call(`${bulk}/hidden`, { key: client.text, body: of('user-1') })
  expect(asked).toEqual([])
})

test('a server key reads a blob that the snapshot names, for ever under its hash', async () => {
  const { key, call, hash } = await start()
  const answer = await call(`/v1/blobs/${hash}`, { key })
  expect(answer.status).toBe(200)
  expect(await sha256Hex(new Uint8Array(await answer.arrayBuffer()))).toBe(hash)
  expect(answer.headers.get('Content-Type')).toBe('application/octet-stream')
  expect(answer.headers.get('Cache-Control')).toBe('private, max-age=31536000, immutable')
  const etag = answer.headers.get('ETag') ?? ''
  expect(etag).toBe(`"${hash}"`)
  const again = await call(`/v1/blobs/${hash}`, { key, headers: { 'If-None-Match': etag } })
  expect([again.status, await again.text()]).toEqual([304, ''])
})

test('nobody else reads it, and nobody reads what the snapshot does not name', async () => {
  const { key, client, hash, call, publish, bindings, clock } = await start()
  const other = await start()
  const unnamed = await other.store(['user-5'])
  const statusOf = async (path: string, as?: string) =>
    (await call(path, as === undefined ? {} : { key: as })).status
  expect(await statusOf(`/v1/blobs/${hash}`)).toBe(401)
  expect(await statusOf(`/v1/blobs/${hash}`, client.text)).toBe(403)
  for (const name of [unnamed, hash.toUpperCase(), hash.slice(1), '%2e%2e', 'a'.repeat(64), 'x/y'])
    expect([name, await statusOf(`/v1/blobs/${name}`, key)]).toEqual([name, 404])
  expect(await statusOf('/v1/blobs/', key)).toBe(404)
  const noKv = { get: async () => null } as unknown as KVNamespace
  Object.assign(bindings, { HUB: hubWithout('blob'), SNAPSHOTS: noKv })
  expect(await statusOf(`/v1/blobs/${hash}`, key)).toBe(503)
  bindings.HUB = hubWithout()
  await publish(2, { flags: {}, lines: [] })
  clock.aheadMs += 2_500 // past the most checks a second
  await call('/v1/status', { key, headers: { 'Halyard-Min-Version': '1.2' } })
  expect(await statusOf(`/v1/blobs/${hash}`, key)).toBe(404)
})

test('a blob of another environment is not had by naming its hash', async () => {
  const mine = await start()
  const secret = await (await makeWorld()).store(['user-7'])
  const outcome = await mine
    .publish(2, { flags, lines: [segmentLine('many', secret, 1)] })
    .then(() => 'applied', String)
  expect(outcome).toContain('missing_blobs')
  expect((await mine.call(`/v1/blobs/${secret}`, { key: mine.key })).status).toBe(404)
})

test('a newer blob is had although this location holds the snapshot before', async () => {
  const { key, call, publish, store } = await start()
  await call('/v1/status', { key })
  const newer = await store(['user-8'])
  await publish(2, { flags, lines: [segmentLine('many', newer, 1)] })
  expect((await call(`/v1/blobs/${newer}`, { key })).status).toBe(200)
})
