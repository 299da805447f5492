import { expect, test } from 'vitest'
import {
  accessOf,
  answerOf,
  askAgain,
  bytesOfText,
  environment,
  hashOf,
  kvValueOf,
  make,
  makeViewWorld,
  warm,
  type Shelf,
} from './view-kit.ts'
import { recentMs } from './view-pace.ts'
import { makeView } from './view-state.ts'
import { ageMs, freshen, freshMs, isCurrent, oldMs, youngMs } from './view.ts'

/** Isolates of one location, each with its own view; all see the same hub and clock. */
function makeLocation(count: number) {
  const shelf: Shelf = new Map()
  const first = makeViewWorld(shelf)
  const asked: number[] = []
  const state = { made: make(1, 1), latencyMs: 20 }
  const isolates = Array.from({ length: count }, (_, i) => {
    const readHub: typeof first.ports.readHub = async () => {
      asked.push(i)
      await first.sleep(state.latencyMs)
      return answerOf(state.made, first.now())
    }
    return { view: makeView(environment, first.now()), ports: { ...first.ports, readHub } }
  })
  return { ...first, isolates, asked, state }
}

test('a cold isolate takes what another has just had from the hub, and it counts as confirmed', async () => {
  const shelf: Shelf = new Map()
  await warm(make(1, 7), shelf)
  const { ports, reads, pass, now } = makeViewWorld(shelf)
  const view = makeView(environment, now())
  await pass(youngMs)
  await freshen(view, ports)
  expect([view.copy?.token, view.isConfirmed, ageMs(view, now())]).toEqual(['1.7', true, youngMs])
  expect(isCurrent(view, now())).toBe(true)
  expect(reads.hub).toBe(0)
})

test('of many busy isolates one asks the hub, once a second, and all are at its head within two', async () => {
  const { isolates, asked, pass, state, now } = makeLocation(50)
  for (let tenth = 0; tenth < 100; tenth++) {
    for (const [i, { view, ports }] of isolates.entries()) {
      // The first to come has the others wait for nothing.
      if (tenth > 0 || i === 0) void freshen(view, ports)
    }
    await pass(100)
    if (tenth === 50) state.made = make(1, 2)
    if (tenth < 5) continue
    for (const { view } of isolates) expect(ageMs(view, now())).toBeLessThanOrEqual(freshMs)
    if (tenth >= 71) for (const { view } of isolates) expect(view.copy?.token).toBe('1.2')
  }
  expect(new Set(asked)).toEqual(new Set([0]))
  expect(asked.length).toBeGreaterThanOrEqual(8)
  expect(asked.length).toBeLessThanOrEqual(11)
})

test('when the isolate that asked is gone another takes over, each after a while of its own', async () => {
  const { isolates, asked, pass, sources, now } = makeLocation(3)
  for (const { view, ports } of isolates) await Promise.all([freshen(view, ports), pass(20)])
  expect(asked).toEqual([0])
  const [, second, third] = isolates
  const waits = [0.001, 0.999]
  sources.random = () => waits.shift() ?? 0.5
  await pass(youngMs + 51)
  if (!second || !third) throw new Error('there are three')
  for (const { view, ports } of [second, third]) void freshen(view, ports)
  await pass(20)
  expect(asked).toEqual([0, 1])
  await pass(recentMs)
  void freshen(third.view, third.ports)
  await pass(20)
  expect(asked).toEqual([0, 1])
  expect(ageMs(third.view, now())).toBeLessThan(youngMs)
})

test('an exact question takes no word older than a quarter of a second, and one that is younger', async () => {
  const shelf: Shelf = new Map()
  const asker = await warm(make(1, 1), shelf)
  const other = await warm(make(1, 1), shelf)
  other.sources.hub = async () => answerOf(make(1, 2), other.now())
  await other.pass(recentMs - 1)
  await askAgain(other.view, other.ports)
  expect([other.reads.hub, other.view.copy?.token]).toEqual([0, '1.1'])
  await other.pass(1 + recentMs / 2)
  await askAgain(other.view, other.ports)
  expect([other.reads.hub, other.view.copy?.token]).toEqual([1, '1.2'])
  // Which is the word of all now.
  await asker.pass(recentMs + 150)
  await askAgain(asker.view, asker.ports)
  expect([asker.reads.hub, asker.view.copy?.token]).toEqual([0, '1.2'])
})

test('an exact question does not make do with a check that another began', async () => {
  const { view, ports, pass, reads, sources, sleep } = await warm()
  await pass(youngMs + 400)
  // What another isolate said a second ago, on its way through a slow cache.
  const word = JSON.stringify({
    signedHead: view.copy?.signedHead,
    confirmedAt: view.confirmedAt + 400,
  })
  sources.cache = async () => (await sleep(10), bytesOfText(word))
  expect(freshen(view, ports)).toBeNull()
  const rechecked = askAgain(view, ports)
  await pass(30)
  await rechecked
  expect(reads.hub).toBe(1)
})

test.each<[string, (text: string) => string]>([
  ['a flipped bit', (text) => text.replace('{}', '{|')],
  ['a missing end', (text) => text.slice(0, -1)],
  ['nothing', () => ''],
  ['another text', () => '<html>not found</html>'],
])('a body in the cache with %s is refused, and the hub is asked', async (_, spoil) => {
  const shelf: Shelf = new Map()
  const made = make(1, 2)
  await warm(made, shelf)
  shelf.set(`${environment}/${made.head.snapshotHash}`, bytesOfText(spoil(made.body)))
  const { ports, reads, sources, now } = makeViewWorld(shelf)
  sources.hub = async () => answerOf(made, now())
  const view = makeView(environment, now())
  await freshen(view, ports)
  expect([view.copy?.body, reads.hub, view.refusedCount]).toEqual([made.body, 1, 1])
})

test.each(['', '{', 'null', '5', '<html>', '{"signedHead":5,"confirmedAt":1}', '{"signedHead":"x"}'])(
  'a word in the cache that is none (%s) is passed over',
  async (text) => {
    const { ports, reads, sources, shelf, now } = makeViewWorld()
    shelf.set(`${environment}/head`, bytesOfText(text))
    sources.hub = async () => answerOf(make(1, 1), now())
    const view = makeView(environment, now())
    await freshen(view, ports)
    expect([view.copy?.token, reads.hub]).toEqual(['1.1', 1])
  },
)

test('a forged word is refused, and so is one from the future, which would be the last for as long', async () => {
  const { view, ports, sources, shelf, pass, reads, now } = await warm()
  const put = (word: object) => shelf.set(`${environment}/head`, bytesOfText(JSON.stringify(word)))
  await pass(3_000)
  put({ signedHead: 'forged', confirmedAt: now() })
  sources.hub = async () => answerOf(make(1, 1), now())
  await freshen(view, ports)
  expect([view.refusedCount, reads.hub]).toEqual([1, 1])
  await pass(3_000)
  put({ signedHead: view.copy?.signedHead, confirmedAt: now() + 3_600_000 })
  sources.hub = async () => answerOf(make(1, 2), now())
  await freshen(view, ports)
  expect([view.refusedCount, reads.hub, view.copy?.token]).toEqual([2, 2, '1.2'])
})

test('a word of a clock that is a little ahead makes nothing younger than now', async () => {
  const { view, ports, shelf, pass, reads, now } = await warm()
  await pass(3_000)
  const word = { signedHead: view.copy?.signedHead, confirmedAt: now() + 900 }
  shelf.set(`${environment}/head`, bytesOfText(JSON.stringify(word)))
  await freshen(view, ports)
  expect([ageMs(view, now()), view.answeredAt, reads.hub]).toEqual([0, now(), 0])
})

test('a word that is behind what is held takes nothing back, and the hub is asked', async () => {
  const shelf: Shelf = new Map()
  await warm(make(1, 2), shelf)
  const word = shelf.get(`${environment}/head`)
  const { view, ports, reads, sources, pass, now } = await warm(make(1, 3), new Map())
  sources.cache = async (name) => (name.endsWith('/head') ? (word ?? null) : null)
  sources.hub = async () => answerOf(make(1, 3), now())
  await pass(freshMs + 1)
  await askAgain(view, ports)
  expect([view.copy?.token, reads.hub]).toEqual(['1.3', 1])
})

test('only what was verified is shared: no refused answer, no absence, no copy from KV', async () => {
  const made = make(1, 1)
  for (const hub of [
    async () => null,
    async () => ({ ...answerOf(made, 1_000_000), body: 'torn' }),
    async () => await Promise.reject(new Error('down')),
  ]) {
    const { ports, sources, shelf, now } = makeViewWorld()
    sources.hub = hub
    sources.kv = async (kind) => kvValueOf(made, kind, now())
    const view = makeView(environment, now())
    await freshen(view, ports)
    expect(view.copy?.token).toBe('1.1')
    expect([...shelf.keys()]).toEqual([])
  }
})

test('a new version is shared with what belongs to it, and an unchanged one with its word alone', async () => {
  const { view, ports, pass, sources, shelf, now } = await warm()
  const made = make(1, 2, { access: accessOf('fresh') })
  shelf.clear()
  sources.hub = async () => ({ signedHead: view.copy?.signedHead ?? '', confirmedAt: now() })
  await pass(3_000)
  await freshen(view, ports)
  expect([...shelf.keys()]).toEqual([`${environment}/head`])
  sources.hub = async () => answerOf(made, now())
  await pass(3_000)
  await freshen(view, ports)
  const names = ['head', hashOf(made.body), hashOf(made.access)].map((name) => `${environment}/${name}`)
  expect(new Set(shelf.keys())).toEqual(new Set(names))
})

test.each([
  ['throws', async () => await Promise.reject(new Error('no cache'))],
  ['hangs', () => new Promise<null>(() => undefined)],
])('a cache that %s costs a moment, and is then left alone for a while', async (_, cache) => {
  const { ports, sources, reads, pass, now } = makeViewWorld()
  Object.assign(sources, { cache, hub: async () => answerOf(make(1, 1), now()) })
  const view = makeView(environment, now())
  const freshening = freshen(view, ports)
  await pass(40)
  await freshening
  expect([view.copy?.token, reads.cache]).toEqual(['1.1', 1])
  for (let second = 0; second < 9; second++) await Promise.all([pass(1_001), freshen(view, ports)])
  expect(reads.cache).toBe(1)
  await pass(2_000)
  await Promise.all([freshen(view, ports), pass(100)])
  expect(reads.cache).toBe(2)
})

test('with hub and KV gone a cold isolate starts from what its location has left, unconfirmed, whatever its age', async () => {
  const shelf: Shelf = new Map()
  await warm(make(1, 4, { access: accessOf('a') }), shelf)
  const { ports, sources, pass, now } = makeViewWorld(shelf)
  sources.kv = async () => await Promise.reject(new Error('KV is gone'))
  await pass(6 * 24 * 3_600_000)
  const view = makeView(environment, now())
  await freshen(view, ports)
  expect([view.copy?.token, view.isConfirmed]).toEqual(['1.4', false])
  expect(view.access?.keys.size).toBe(1)
  expect(ageMs(view, now())).toBe(6 * 24 * 3_600_000)
  expect(isCurrent(view, now())).toBe(false)
})

test('of KV and what is left at the location the newer is taken', async () => {
  for (const version of [3, 5]) {
    const shelf: Shelf = new Map()
    await warm(make(1, 4), shelf)
    const { ports, sources, pass, now } = makeViewWorld(shelf)
    sources.kv = async (kind) => kvValueOf(make(1, version), kind, now())
    await pass(oldMs)
    const view = makeView(environment, now())
    await freshen(view, ports)
    expect(view.copy?.token).toBe(`1.${Math.max(4, version)}`)
  }
})
