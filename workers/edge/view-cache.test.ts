import { expect, test } from 'vitest'
import { answerOf, make, makeViewWorld } from './view-kit.ts'
import { bytesOf, makeViewCache, trim, viewOf, type ViewCache } from './view-cache.ts'
import { stepOf } from './view-deltas.ts'
import { freshen } from './view.ts'

async function hold(cache: ViewCache, environment: string, units: number, at: number) {
  const world = makeViewWorld()
  const view = viewOf(cache, environment, at)
  const access = JSON.stringify({ environment, keys: [] })
  world.sources.hub = async () =>
    answerOf(make(1, 1, { environment, body: 'x'.repeat(units), access }), world.now())
  await freshen(view, world.ports)
  view.usedAt = at
  return view
}

test('the same environment has one view', () => {
  const cache = makeViewCache()
  expect(viewOf(cache, 'env_a', 0)).toBe(viewOf(cache, 'env_a', 1))
})

test('over the budget the least recently used go, by bytes, and never the one in use', async () => {
  const cache = makeViewCache(80_000)
  await hold(cache, 'env_a', 5_000, 3)
  await hold(cache, 'env_b', 5_000, 1)
  await hold(cache, 'env_c', 5_000, 2)
  const kept = await hold(cache, 'env_d', 10_000, 0)
  trim(cache, kept)
  expect([...cache.views.keys()]).toEqual(['env_a', 'env_d'])
  const huge = await hold(cache, 'env_e', 50_000, 4)
  trim(cache, huge)
  expect([...cache.views.keys()]).toEqual(['env_e'])
})

test('within the budget nothing goes', async () => {
  const cache = makeViewCache()
  for (let i = 0; i < 50; i++) trim(cache, await hold(cache, `env_${i}`, 1_000, i))
  expect(cache.views.size).toBe(50)
})

test('views without a copy count too, so that failing look-ups cannot fill the memory', () => {
  const cache = makeViewCache(10 * bytesOf(viewOf(makeViewCache(), 'env_x', 0)))
  for (let i = 0; i < 100; i++) trim(cache, viewOf(cache, `env_${i}`, i))
  expect(cache.views.size).toBe(10)
})

test('members of large segments count too', async () => {
  const cache = makeViewCache(80_000)
  const large = await hold(cache, 'env_a', 1_000, 1)
  large.blobs.set('hash', new Uint8Array(80_000))
  trim(cache, await hold(cache, 'env_b', 1_000, 2))
  expect([...cache.views.keys()]).toEqual(['env_b'])
})

test('deltas that are kept count too', async () => {
  const cache = makeViewCache(80_000)
  const old = await hold(cache, 'env_a', 1_000, 1)
  const delta = { signedHead: '', base: '', set: ['x'.repeat(40_000)], remove: [], splice: [] }
  old.steps = [stepOf({ epoch: 1, version: 1 }, '', delta)]
  trim(cache, await hold(cache, 'env_b', 1_000, 2))
  expect([...cache.views.keys()]).toEqual(['env_b'])
})
