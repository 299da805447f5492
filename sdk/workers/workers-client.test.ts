/** The client in real workerd, against an edge that is told what to serve, through a proxy that breaks it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { expect, onTestFinished, test } from 'vitest'
import { flagLine, startEdgeKit, type EdgeKit } from '../server/edge.test-kit.ts'
import { startFaultyProxy, type Fault, type FaultyProxy } from '../server/faulty-proxy.test-kit.ts'

interface Shop {
  readonly edge: EdgeKit
  readonly proxy: FaultyProxy
  readonly ask: (path?: string) => Promise<Answer>
  /** Another isolate in the same location. */
  readonly restart: () => Promise<void>
}

interface Answer {
  readonly wasReady: boolean
  readonly isReady: boolean
  readonly isOn: boolean
  readonly code: string | null
  readonly state: string
  readonly version: string | null
  readonly origin: string | null
  readonly ageMs: number | null
  readonly error?: string
  readonly forBrowser: object
}

async function openShop(): Promise<Shop> {
  const edge = await startEdgeKit()
  const proxy = await startFaultyProxy(edge.url)
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('shop.test-kit.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*'],
    define: { EDGE: JSON.stringify(proxy.url), KEY: JSON.stringify(edge.key) },
    write: false,
  })
  const folder = mkdtempSync(join(tmpdir(), 'halyard-workers-'))
  const options = convertV4MiniflareOptions({
    name: 'shop',
    modules: true,
    script: outputFiles[0]?.text ?? '',
    compatibilityDate: '2026-09-18',
    cachePersist: folder,
  })
  const miniflare = new Miniflare(options)
  await miniflare.ready
  onTestFinished(async () => {
    await miniflare.dispose()
    await proxy.close()
    await edge.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    edge,
    proxy,
    ask: async (path = '/') =>
      (await (await miniflare.dispatchFetch(`http://shop${path}`)).json()) as unknown as Answer, // what the Worker says
    restart: async () => void (await miniflare.setOptions(options)),
  }
}

test('the first request waits for flags, and later ones find them in the isolate', async () => {
  const { edge, ask } = await openShop()
  await edge.publish([flagLine('checkout', true)])
  expect(await ask()).toMatchObject({
    isReady: true,
    isOn: true,
    state: 'polling',
    version: '1.1',
    origin: 'poll',
  })
  const asked = edge.seen.length
  expect(await ask()).toMatchObject({ isReady: true, isOn: true })
  expect(edge.seen).toHaveLength(asked)
})

test('in the global scope there are no flags yet, which keeps the first request from nothing', async () => {
  const { edge, ask } = await openShop()
  await edge.publish([flagLine('checkout', true)])
  expect(await ask()).toMatchObject({ wasReady: false, isReady: true, isOn: true })
})

test('without an edge requests get the defaults, and the flags once there are any', async () => {
  const { edge, proxy, ask } = await openShop()
  await edge.publish([flagLine('checkout', true)])
  proxy.set({ kind: 'reset' })
  expect(await ask()).toMatchObject({
    isReady: false,
    isOn: false,
    code: 'PROVIDER_NOT_READY',
    state: 'starting',
  })
  proxy.set({ kind: 'none' })
  await expect.poll(() => ask(), { timeout: 20_000 }).toMatchObject({ isReady: true, isOn: true })
})

test('a new isolate starts from what its location has, also while the edge is dead', async () => {
  const { edge, proxy, ask, restart } = await openShop()
  await edge.publish([flagLine('checkout', true)])
  expect(await ask()).toMatchObject({ isOn: true, origin: 'poll' })
  proxy.set({ kind: 'reset' })
  await restart()
  expect(await ask()).toMatchObject({ isReady: true, isOn: true, version: '1.1', origin: 'store' })
})

const faults: readonly Fault[] = [
  { kind: 'reset' },
  { kind: 'status', status: 401 },
  { kind: 'status', status: 429, retryAfterSec: 1 },
  { kind: 'status', status: 500 },
  { kind: 'html' },
  { kind: 'truncate' },
  { kind: 'flip' },
  { kind: 'hang' },
]

test.each(faults)('an edge that does this to a new isolate does no harm: %o', async (fault) => {
  const { edge, proxy, ask } = await openShop()
  await edge.publish([flagLine('checkout', true)])
  proxy.set(fault)
  expect(await ask()).toMatchObject({ isReady: false, isOn: false, code: 'PROVIDER_NOT_READY' })
  proxy.set({ kind: 'none' })
  await expect.poll(() => ask(), { timeout: 20_000 }).toMatchObject({ isReady: true, isOn: true })
})

test('while the edge is silent only the first request waits for it', async () => {
  const { proxy, ask } = await openShop()
  proxy.set({ kind: 'hang' })
  await ask()
  const asked = proxy.seen.length
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask()))
  expect(answers.every(({ code }) => code === 'PROVIDER_NOT_READY')).toBe(true)
  expect(proxy.seen.length - asked).toBeLessThan(5)
})

test('what was evaluated and tracked is sent when it is flushed', async () => {
  const { edge, ask } = await openShop()
  await edge.publish([flagLine('checkout', true)])
  await ask('/track')
  await ask('/flush')
  expect(edge.batches.flatMap(({ events }) => events)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ kind: 'evaluations', flag: 'checkout', variant: 'on' }),
      expect.objectContaining({ kind: 'metric', name: 'bought', count: 1, sum: 5 }),
    ]),
  )
})

test('the browser is given what client keys may see', async () => {
  const { edge, ask } = await openShop()
  await edge.publish([flagLine('checkout', true), flagLine('secret', true, { clientVisible: false })])
  expect((await ask()).forBrowser).toEqual({ checkout: { value: true, variant: 'on', reason: 'STATIC' } })
})
