import { expect, test } from 'vitest'
import { compareVersions, type Version } from '@halyard/shared/protocol/version.ts'
import {
  accessOf,
  answerOf,
  askAgain,
  environment,
  kvValueOf,
  make,
  makeRandom,
  makeViewWorld,
  type Made,
  warm,
} from './view-kit.ts'
import { makeView } from './view-state.ts'
import { ageMs, checksPerSecond, confirmDeadlineMs, freshen, freshMs, oldMs, youngMs } from './view.ts'

test('a cold view waits for the hub, and is confirmed', async () => {
  const { view, reads, now } = await warm()
  expect(view.copy?.token).toBe('1.1')
  expect(view.isConfirmed).toBe(true)
  expect(ageMs(view, now())).toBe(0)
  expect(reads.kv).toBe(0)
})

test('a young copy answers without asking anyone', async () => {
  const { view, ports, pass, reads } = await warm()
  await pass(youngMs)
  expect(freshen(view, ports)).toBeNull()
  expect(reads.hub).toBe(0)
})

test('a copy of more than a second answers at once, and is confirmed behind the answer by one check for all', async () => {
  const { view, ports, pass, reads, sources, now, sleep } = await warm()
  const newer = make(1, 2)
  sources.hub = async () => (await sleep(50), answerOf(newer, now()))
  await pass(youngMs + 1)
  for (let i = 0; i < 100; i++) expect(freshen(view, ports)).toBeNull()
  expect(view.copy?.token).toBe('1.1')
  await pass(50)
  expect(reads.hub).toBe(1)
  expect(view.copy?.token).toBe('1.2')
  expect(freshen(view, ports)).toBeNull()
  expect(reads.hub).toBe(1)
})

test.each([
  { what: 'of more than two seconds', ageMs: freshMs + 1, hubMs: confirmDeadlineMs.stale },
  { what: 'of more than thirty seconds', ageMs: oldMs + 1, hubMs: confirmDeadlineMs.old },
])('a copy $what is confirmed first, if the hub answers in time', async ({ ageMs: age, hubMs }) => {
  const { view, ports, pass, sources, now, sleep } = await warm()
  sources.hub = async () => (await sleep(hubMs - 1), answerOf(make(1, 2), now()))
  await pass(age)
  const freshening = freshen(view, ports)
  expect(freshening).not.toBeNull()
  await pass(hubMs)
  await freshening
  expect(view.copy?.token).toBe('1.2')
})

test('a copy of more than two seconds answers after 50 ms when the hub does not', async () => {
  const { view, ports, pass, sources } = await warm()
  sources.hub = () => new Promise(() => undefined)
  await pass(freshMs + 1)
  let isAnswered = false
  void freshen(view, ports)?.then(() => (isAnswered = true))
  await pass(confirmDeadlineMs.stale - 1)
  expect(isAnswered).toBe(false)
  await pass(1)
  expect(isAnswered).toBe(true)
})

test('an old copy answers after 300 ms when the hub does not, its age standing; a late answer still counts', async () => {
  const { view, ports, pass, sources, now, sleep } = await warm()
  sources.hub = async () => (await sleep(2_000), answerOf(make(1, 2), now()))
  await pass(40_000)
  let isAnswered = false
  void freshen(view, ports)?.then(() => (isAnswered = true))
  await pass(confirmDeadlineMs.old - 1)
  expect(isAnswered).toBe(false)
  await pass(1)
  expect(isAnswered).toBe(true)
  expect(view.copy?.token).toBe('1.1')
  expect(ageMs(view, now())).toBe(40_000 + confirmDeadlineMs.old)
  await pass(2_000)
  expect(view.copy?.token).toBe('1.2')
})

test('who comes late to a check that hangs does not wait for it again', async () => {
  const { view, ports, pass, sources } = await warm()
  sources.hub = () => new Promise(() => undefined)
  await pass(40_000)
  void freshen(view, ports)
  await pass(confirmDeadlineMs.old)
  let isAnswered = false
  void Promise.resolve(freshen(view, ports)).then(() => (isAnswered = true))
  await pass(0)
  expect(isAnswered).toBe(true)
})

test('the hub is asked at most four times a second, whatever comes', async () => {
  const { view, ports, pass, reads, sources } = await warm()
  sources.hub = async () => await Promise.reject(new Error('down'))
  await pass(60_000)
  for (let i = 0; i < 1000; i++) {
    await freshen(view, ports)
    await askAgain(view, ports)
  }
  expect(reads.hub).toBe(checksPerSecond)
  await pass(1_000)
  await askAgain(view, ports)
  expect(reads.hub).toBe(checksPerSecond + 1)
})

test('a check whose request died is forgotten, so that another may start', async () => {
  const { view, ports, pass, reads, sources } = await warm()
  sources.hub = () => new Promise(() => undefined)
  const died = { ...ports, sleep: () => new Promise<void>(() => undefined) }
  await pass(3_000)
  freshen(view, died)
  await pass(10_000)
  freshen(view, ports)
  await pass(0)
  expect(reads.hub).toBe(1)
  await pass(10_000)
  freshen(view, ports)
  await pass(0)
  expect(reads.hub).toBe(2)
})

test.each([
  ['an error', async () => await Promise.reject(new Error('503'))],
  ['absence', async () => null],
  ['a hang', () => new Promise<null>(() => undefined)],
])('after %s of the hub a cold view is filled from KV, unconfirmed', async (_, hub) => {
  const world = makeViewWorld()
  const view = makeView(environment, world.now())
  const made = make(1, 3)
  const writtenAt = world.now() - 60_000
  Object.assign(world.sources, { hub, kv: async (kind: 'snapshot') => kvValueOf(made, kind, writtenAt) })
  const freshening = freshen(view, world.ports)
  await world.pass(3_000)
  await freshening
  expect(view.copy?.token).toBe('1.3')
  expect(view.access?.hash).toBe(made.head.accessHash)
  expect(view.isConfirmed).toBe(false)
  expect(ageMs(view, world.now())).toBe(world.now() - writtenAt)
})

test('what is held stays when the hub says that there is nothing', async () => {
  const { view, ports, pass, sources } = await warm()
  sources.hub = async () => null
  await pass(90 * 24 * 3_600_000)
  await freshen(view, ports)
  expect(view.copy?.token).toBe('1.1')
})

test('a newer copy in KV replaces an old one while the hub is gone, an older one never', async () => {
  for (const [version, expected] of [
    [4, '1.5'],
    [6, '1.6'],
  ] as const) {
    const { view, ports, pass, sources, now } = await warm(make(1, 5))
    sources.hub = async () => await Promise.reject(new Error('down'))
    sources.kv = async (kind) => kvValueOf(make(1, version), kind, now())
    await pass(31_000)
    await freshen(view, ports)
    expect(view.copy?.token).toBe(expected)
  }
})

test('an access record in KV replaces an older one only', async () => {
  for (const [version, expected] of [
    [4, 'new'],
    [6, 'kv'],
  ] as const) {
    const { view, ports, pass, sources, now } = await warm(make(1, 5, { access: accessOf('new') }))
    sources.hub = async () => await Promise.reject(new Error('down'))
    sources.kv = async (kind) =>
      kind === 'access' ? kvValueOf(make(1, version, { access: accessOf('kv') }), kind, now()) : null
    await pass(31_000)
    await freshen(view, ports)
    expect([...(view.access?.keys.values() ?? [])].map(({ id }) => id)).toEqual([expected])
  }
})

test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  'whatever is late, lost, repeated or reordered, versions only rise and end at the head (seed %i)',
  async (seed) => {
    const random = makeRandom(seed)
    const world = makeViewWorld()
    const { sources, sleep, pass, now } = world
    const verify: typeof world.ports.verify = async (text) => {
      await sleep(random() < 0.1 ? 40_000 * random() : 100 * random())
      return await world.ports.verify(text)
    }
    const ports = { ...world.ports, verify }
    const view = makeView(environment, now())
    const published: Made[] = [make(1, 1)]
    const some = () => published[Math.floor(random() * published.length)] ?? make(1, 1)
    sources.hub = async () => {
      const kind = random()
      const made = kind < 0.6 ? (published.at(-1) ?? make(1, 1)) : some()
      await sleep(random() < 0.2 ? 20_000 * random() : 400 * random())
      if (kind > 0.9) throw new Error('lost')
      if (kind > 0.85) return null
      return kind > 0.8 ? { ...answerOf(made, now()), body: 'torn' } : answerOf(made, now())
    }
    sources.kv = async (kind) => (
      await sleep(500 * random()),
      random() < 0.3 ? null : kvValueOf(some(), kind, now())
    )
    let held: Version = { epoch: 0, version: 0 }
    for (let step = 0; step < 120; step++) {
      if (random() < 0.4) {
        const { epoch, version } = published.at(-1)?.head ?? { epoch: 1, version: 1 }
        published.push(random() < 0.1 ? make(epoch + 1, Math.ceil(random() * 3)) : make(epoch, version + 1))
      }
      void freshen(view, ports)
      if (random() < 0.3) void askAgain(view, ports)
      await pass(random() < 0.1 ? 35_000 : 1_500 * random())
      if (!view.copy) continue
      const { head, body } = view.copy
      expect(compareVersions(head, held)).toBeGreaterThanOrEqual(0)
      expect(body).toBe(`flag\tv${head.epoch}.${head.version}\t{}`)
      held = head
    }
    const last = published.at(-1) ?? make(1, 1)
    sources.hub = async () => answerOf(last, now())
    await pass(60_000)
    await freshen(view, world.ports)
    expect(view.copy?.head).toEqual(last.head)
  },
)
