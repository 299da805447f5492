import { expect, test } from 'vitest'
import { satisfy, type Demand } from './demand.ts'
import { pursue, recheckFor } from './pursuit.ts'
import { answerOf, environment, make, makeViewWorld, warm, type Shelf } from './view-kit.ts'
import { recentMs } from './view-pace.ts'
import { makeView, type View } from './view-state.ts'
import { checksPerSecond, freshen } from './view.ts'

type World = Awaited<ReturnType<typeof warm>>

const versionDemand = (version: number, epoch = 1): Demand => ({
  minVersion: { epoch, version },
  toldVersion: null,
  maxAgeMs: null,
})

/** How one request that makes a demand ends; `met` is null if it was refused. */
function ask({ view, ports, now }: Pick<World, 'view' | 'ports' | 'now'>, demand: Demand) {
  const start = now()
  const end: { metAfterMs: number | null; refusedAfterMs: number | null } = {
    metAfterMs: null,
    refusedAfterMs: null,
  }
  void satisfy(view, demand, ports).then(
    () => (end.metAfterMs = now() - start),
    () => (end.refusedAfterMs = now() - start),
  )
  return end
}

/** A world whose hub takes 2 ms and has the next version so many milliseconds from now. */
async function publishing(inMs: number, latencyMs = 2) {
  const world = await warm()
  await world.pass(500)
  const [from, at] = [world.now(), world.now() + inMs]
  world.sources.hub = async () => {
    await world.sleep(latencyMs)
    return answerOf(make(1, world.now() >= at ? 2 : 1), world.now())
  }
  return { ...world, from }
}

test.each([
  { comesMs: 0, withinMs: 5 },
  { comesMs: 20, withinMs: 30 },
  { comesMs: 50, withinMs: 75 },
  { comesMs: 100, withinMs: 160 },
  { comesMs: 600, withinMs: 860 },
])(
  'a version that comes $comesMs ms after it was asked for is had after $withinMs',
  async ({ comesMs, withinMs }) => {
    const world = await publishing(comesMs)
    const end = ask(world, versionDemand(2))
    await world.pass(2_000)
    expect(end.metAfterMs).toBeGreaterThanOrEqual(comesMs)
    expect(end.metAfterMs).toBeLessThanOrEqual(withinMs)
  },
)

test('a hub that is far away is waited for until the time is up', async () => {
  const world = await publishing(0, 700)
  const end = ask(world, versionDemand(2))
  await world.pass(2_000)
  expect(end.metAfterMs).toBe(700)
})

test('a thousand requests for a version that never comes ask eight times in the first second, and then four times', async () => {
  const world = await publishing(Infinity)
  const ends = Array.from({ length: 1_000 }, () => ask(world, versionDemand(2)))
  await world.pass(1_000)
  expect(world.reads.hub).toBeGreaterThanOrEqual(6)
  expect(world.reads.hub).toBeLessThanOrEqual(8)
  await world.pass(1_000)
  expect(ends.every(({ refusedAfterMs }) => refusedAfterMs !== null && refusedAfterMs <= 1_500)).toBe(true)
  world.reads.hub = 0
  const seconds = 5
  for (let i = 0; i < seconds * 20; i++) {
    for (let j = 0; j < 3; j++) ask(world, versionDemand(2))
    await world.pass(50)
  }
  expect(world.reads.hub / seconds).toBeGreaterThanOrEqual(checksPerSecond - 1)
  expect(world.reads.hub).toBeLessThanOrEqual(seconds * checksPerSecond + 4)
})

test.each([
  { what: 'a version far ahead', demand: versionDemand(2_000) },
  { what: 'a later epoch', demand: versionDemand(1, 2) },
])('$what is asked for four times a second, and slows nobody else', async ({ demand }) => {
  const world = await publishing(3_020)
  for (let i = 0; i < 60; i++) {
    for (let j = 0; j < 20; j++) ask(world, demand)
    await world.pass(50)
  }
  expect(world.reads.hub).toBeLessThanOrEqual(3 * checksPerSecond + 1)
  const end = ask(world, versionDemand(2))
  await world.pass(2_000)
  expect(end.metAfterMs).toBeLessThanOrEqual(45)
})

test('who writes again and again reads each of its writes soon', async () => {
  const world = await warm()
  for (let version = 2; version < 30; version++) {
    await world.pass(20)
    const at = world.now() + 20
    world.sources.hub = async () => {
      await world.sleep(2)
      return answerOf(make(1, world.now() >= at ? version : version - 1), world.now())
    }
    const end = ask(world, versionDemand(version))
    await world.pass(100)
    expect(end.metAfterMs).toBeLessThanOrEqual(45)
  }
})

test('isolates of a location share what each hears: together they ask no oftener', async () => {
  const shelf: Shelf = new Map()
  const first = makeViewWorld(shelf)
  let reads = 0
  const readHub = async () => {
    reads += 1
    await first.sleep(2)
    return answerOf(make(1, 1), first.now())
  }
  const isolates = Array.from({ length: 10 }, () => {
    const ports = { ...first.ports, readHub }
    return { view: makeView(environment, first.now()), ports, now: first.now }
  })
  for (const { view, ports } of isolates) {
    void freshen(view, ports)
    await first.pass(5)
  }
  for (let i = 0; i < 100; i++) {
    for (const isolate of isolates) {
      ask(isolate, versionDemand(2))
      await first.pass(5)
    }
    if (i === 19) reads = 0
  }
  expect(reads).toBeLessThanOrEqual(4 * (checksPerSecond + 1))
})

test('a hub that fails is not asked oftener for that', async () => {
  const world = await publishing(0)
  world.sources.hub = async () => await Promise.reject(new Error('down'))
  const end = ask(world, versionDemand(2))
  await world.pass(2_000)
  expect(end.refusedAfterMs).toBeLessThanOrEqual(1_500)
  expect(world.reads.hub).toBeLessThanOrEqual(10)
})

test('a hub that hangs is given up when the time is up, by all alike', async () => {
  const world = await publishing(0)
  world.sources.hub = () => new Promise(() => undefined)
  const end = ask(world, versionDemand(2))
  await world.pass(400)
  const late = ask(world, versionDemand(2))
  await world.pass(2_000)
  expect([end.refusedAfterMs, late.refusedAfterMs]).toEqual([1_500, 1_500])
  expect(world.reads.hub).toBe(1)
})

test('what an event told of is waited for, and then done without; a minimum beside it still holds', async () => {
  const world = await publishing(30)
  const told = ask(world, { ...versionDemand(1), toldVersion: { epoch: 1, version: 2 } })
  await world.pass(100)
  expect(told.metAfterMs).toBeLessThanOrEqual(70)
  const without = ask(world, { ...versionDemand(2), toldVersion: { epoch: 1, version: 3 } })
  const refused = ask(world, { ...versionDemand(3), toldVersion: { epoch: 1, version: 2 } })
  await world.pass(2_000)
  expect(without.metAfterMs).toBeGreaterThan(1_000)
  expect([refused.metAfterMs, refused.refusedAfterMs !== null]).toEqual([null, true])
})

test('nothing is denied by a word that was given before it was asked for, whoever else asks', async () => {
  const world = await publishing(Infinity)
  const wordAgesMs: number[] = []
  for (let i = 0; i < 200; i++) {
    const start = world.now()
    void recheckFor(world.view, () => false, world.ports).then(() =>
      wordAgesMs.push(start - world.view.answeredAt),
    )
    void pursueEagerly(world.view, world)
    await world.pass(37)
  }
  await world.pass(recentMs * 4)
  expect(wordAgesMs).toHaveLength(200)
  expect(Math.max(...wordAgesMs)).toBeLessThanOrEqual(0)
})

async function pursueEagerly(view: View, { ports, now }: Pick<World, 'ports' | 'now'>) {
  await pursue(view, () => false, { isEager: true, untilMs: now() + 300 }, ports)
}
