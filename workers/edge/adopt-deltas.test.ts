import { expect, test } from 'vitest'
import { changesBetween, type Delta } from '@halyard/shared/protocol/delta.ts'
import type { Held, ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import { accessOf, answerOf, askAgain, environment, make, signed, warm, type Made } from './view-kit.ts'
import { deltasSince, stepBytesMax, stepsMax } from './view-deltas.ts'
import { recentMs } from './view-pace.ts'
import { holdsCopy, type View } from './view-state.ts'

const lines = (n: number) =>
  Array.from({ length: 200 }, (_, i) => `flag\tf${i + 100}\t{"n":${i === n ? n : -1}}`)
/** A version whose body differs from that of each other in two lines. */
const at = (version: number, rest: Parameters<typeof make>[2] = {}) =>
  make(1, version, { body: lines(version).join('\n'), ...rest })

function deltaOf(before: Made, after: Made): Delta {
  return {
    signedHead: signed(after),
    base: before.head.snapshotHash,
    ...changesBetween(before.body, after.body),
  }
}

/** What the hub answers to who holds the first of these versions. */
function chainOf(versions: readonly Made[], confirmedAt: number): ReadAnswer {
  const deltas = versions.slice(1).map((made, i) => deltaOf(versions[i] ?? made, made))
  return { signedHead: signed(versions.at(-1) ?? at(1)), confirmedAt, deltas }
}

/** A view at 1.1 whose hub gives deltas to who takes them, and the body to who does not hold one. */
async function following(answer: (now: number) => ReadAnswer, whole: Made) {
  const world = await warm(at(1))
  const asked: Held[] = []
  world.sources.hub = async (held) => {
    asked.push(held)
    return held.snapshotHash === undefined ? answerOf(whole, world.now()) : answer(world.now())
  }
  await world.pass(recentMs + 1)
  await askAgain(world.view, world.ports)
  return { ...world, asked }
}

const since = (view: View, version: number) =>
  holdsCopy(view) ? deltasSince(view, { epoch: 1, version })?.map(({ signedHead }) => signedHead) : undefined

test('deltas are applied one after the other, and kept for those who follow', async () => {
  const versions = [at(1), at(2), at(5)]
  const { view, asked } = await following((now) => chainOf(versions, now), at(9))
  expect(asked).toMatchObject([{ snapshotHash: at(1).head.snapshotHash, takesDeltas: true }])
  expect([view.copy?.token, view.copy?.body, view.isConfirmed]).toEqual(['1.5', at(5).body, true])
  expect(since(view, 1)).toEqual([signed(at(2)), signed(at(5))])
  expect(since(view, 2)).toEqual([signed(at(5))])
  expect(since(view, 5)).toEqual([])
  expect(since(view, 4)).toBeUndefined()
})

test('a head after the last delta, of which only the keys are new, is taken with it', async () => {
  const head = at(3, { body: at(2).body, access: accessOf('fresh') })
  const { view } = await following(
    (now) => ({ ...chainOf([at(1), at(2)], now), signedHead: signed(head), access: head.access }),
    at(9),
  )
  expect([view.copy?.token, view.access?.keys.size]).toEqual(['1.3', 1])
  expect([since(view, 2), since(view, 1)]).toEqual([[], [signed(at(2))]])
})

const sound = deltaOf(at(1), at(2))
test.each<[string, readonly Delta[]]>([
  ['another base', [{ ...sound, base: 'hash of another' }]],
  ['a line that is not there', [{ ...sound, remove: ['flag\tabsent'] }]],
  ['another text', [{ ...sound, set: ['flag\tg\t{}'] }]],
  ['a head that nobody trusted signed', [{ ...sound, signedHead: 'forged' }]],
  ['a head of another environment', [{ ...sound, signedHead: signed(at(2, { environment: 'env_2' })) }]],
  ['a missing link', [deltaOf(at(2), at(3))]],
  ['the wrong order', [deltaOf(at(2), at(3)), sound]],
  ['an end before the head', []],
  ['nothing in them', [{} as Delta]],
  ['null among them', [null as unknown as Delta]],
])('of deltas with %s nothing is taken, and the body is asked for at once', async (_, deltas) => {
  const { view, asked, reads } = await following(
    (now) => ({ signedHead: signed(at(2)), confirmedAt: now, deltas }),
    at(2),
  )
  expect([view.copy?.token, view.copy?.body]).toEqual(['1.2', at(2).body])
  expect(asked.map(({ snapshotHash }) => snapshotHash)).toEqual([at(1).head.snapshotHash, undefined])
  expect(reads.kv).toBe(0)
  expect(view.refusedCount).toBeGreaterThan(0)
})

test('a chain that costs more than the body is not walked', async () => {
  const body = `${at(1).body}\n${'x'.repeat(4_000_000)}`
  const world = await warm(make(1, 1, { body }))
  const chain = ['', 'y', 'yy', 'yyy'].map((more, i) => make(1, i + 1, { body: body + more }))
  world.sources.hub = async (held) =>
    held.snapshotHash === undefined ? answerOf(chain[3] ?? at(1), world.now()) : chainOf(chain, world.now())
  await world.pass(recentMs + 1)
  await askAgain(world.view, world.ports)
  expect([world.view.copy?.token, world.reads.hub]).toEqual(['1.4', 2])
})

test('deltas that came late take nothing back', async () => {
  const { view, ports, pass, sources, sleep, now } = await warm(at(1))
  await pass(recentMs + 1)
  // Verifying takes longer than the whole of the next check.
  const verify: typeof ports.verify = async (text) => {
    if (text.includes('"version":2')) await sleep(20_000)
    return await ports.verify(text)
  }
  sources.hub = async () => chainOf([at(1), at(2)], now())
  void askAgain(view, { ...ports, verify })
  await pass(16_000)
  sources.hub = async () => answerOf(at(4), now())
  void askAgain(view, { ...ports, verify })
  await pass(60_000)
  expect([view.copy?.token, view.copy?.body]).toEqual(['1.4', at(4).body])
  expect(since(view, 2)).toBeUndefined()
})

test('the way is kept within its bounds, and ends where a body came of which nothing is known', async () => {
  const world = await warm(at(1))
  const { view, ports, pass, sources, now } = world
  for (let version = 2; version <= stepsMax + 10; version++) {
    sources.hub = async () => chainOf([at(version - 1), at(version)], now())
    await pass(1_000)
    await askAgain(view, ports)
  }
  expect([view.copy?.token, view.steps.length]).toEqual([`1.${stepsMax + 10}`, stepsMax])
  expect(since(view, 10)).toBeUndefined()
  expect(since(view, stepsMax + 8)).toHaveLength(2)
  // Known, but longer than the body.
  expect(view.steps.some(({ at: { version } }) => version === 20)).toBe(true)
  expect(since(view, 20)).toBeUndefined()
  const long = at(100, { body: `${at(60).body}\nflag\tlong\t"${'x'.repeat(stepBytesMax / 2)}"` })
  sources.hub = async () => chainOf([at(60), long], now())
  await pass(1_000)
  await askAgain(view, ports)
  expect([view.copy?.token, view.steps.length]).toEqual(['1.100', 1])
  sources.hub = async () => answerOf(at(101), now())
  await pass(1_000)
  await askAgain(view, ports)
  expect([since(view, 100), since(view, 101)]).toEqual([undefined, []])
})

test('where whole bodies come, deltas are made of them as long as somebody asks for these', async () => {
  const { view, ports, pass, sources, now } = await warm(at(1))
  const goTo = async (version: number) => {
    sources.hub = async () => answerOf(at(version), now())
    await pass(1_000)
    await askAgain(view, ports)
  }
  view.sinceAskedAt = now()
  await goTo(2)
  await goTo(4)
  expect(since(view, 1)).toEqual([signed(at(2)), signed(at(4))])
  expect(view.steps.at(-1)?.delta).toEqual(deltaOf(at(2), at(4)))
  await pass(11 * 60_000)
  await goTo(5)
  expect(since(view, 4)).toBeUndefined()
})

test('an older hub that knows no deltas answers the body, and a newer one what nobody here knows', async () => {
  const world = await warm(at(1))
  world.sources.hub = async () =>
    ({ ...answerOf(at(2), world.now()), relays: 5, hint: { any: 'thing' } }) as ReadAnswer
  await world.pass(recentMs + 1)
  await askAgain(world.view, world.ports)
  expect([world.view.copy?.token, world.view.refusedCount]).toEqual(['1.2', 0])
  expect(world.view.environment).toBe(environment)
})
