import { beforeEach, expect, test } from 'vitest'
import type { PublishOutcome } from './publish.ts'
import { makePublisher, type PublisherEvent, type PublisherState } from './publisher-core.ts'

const scope = { orgId: 'org', environmentId: 'env' }
const done: PublishOutcome = { kind: 'published', at: { epoch: 1, version: 1 } }

let now: number
let alarm: number | null
let events: PublisherEvent[]
let tries: number
/** What each next try does; when they are used up, all is well. */
let outcomes: (() => Promise<PublishOutcome>)[]
let publisher: ReturnType<typeof makePublisher>

beforeEach(() => {
  now = 1_000_000
  alarm = null
  events = []
  tries = 0
  outcomes = []
  publisher = makePublisher({
    state: makeState(),
    nowMs: () => now,
    publish: async () => {
      tries += 1
      return (await outcomes.shift()?.()) ?? done
    },
    report: (event) => events.push(event),
  })
})

test('a change that is armed and never heard of again is published by the alarm', async () => {
  await publisher.arm(scope, 'a')
  expect(alarm).toBe(now + 2_000)
  await ring()
  expect(tries).toBe(1)
  expect(alarm, 'it may still commit').toBe(now + 2_000)
  now += 60_001
  await ring()
  expect(alarm).toBeNull()
})

test('a committed change is published at once, and leaves no alarm', async () => {
  await publisher.arm(scope, 'a')
  await publisher.go('a')
  expect({ tries, alarm }).toEqual({ tries: 1, alarm: null })
})

test('the alarm stays while another change is armed, and goes when that is rolled back', async () => {
  await publisher.arm(scope, 'a')
  await publisher.arm(scope, 'b')
  await publisher.go('a')
  expect(alarm).toBe(now + 2_000)
  publisher.release('b')
  await ring()
  expect(alarm).toBeNull()
})

test('an alarm that is due earlier is not put off', async () => {
  alarm = now + 500
  await publisher.arm(scope, 'a')
  expect(alarm).toBe(now + 500)
  alarm = now + 60_000
  await publisher.arm(scope, 'b')
  expect(alarm).toBe(now + 2_000)
})

test('what could not be reached is tried again, each time later, at most a minute', async () => {
  outcomes = Array.from({ length: 8 }, () => () => Promise.reject(new Error('lost')))
  await publisher.sweep(scope)
  const waits = [Number(alarm) - now]
  while (waits.length < 8) {
    await ring() // oxlint-disable-line no-await-in-loop -- one after another
    waits.push(Number(alarm) - now)
  }
  expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  expect(events[1]).toEqual({
    event: 'publish_failed',
    ...scope,
    failures: 2,
    retryInMs: 2_000,
    error: 'Error: lost',
  })
  await ring()
  expect(alarm).toBeNull()
  outcomes = [() => Promise.reject(new Error('lost'))]
  await publisher.sweep(scope)
  expect(alarm, 'a success starts it over').toBe(now + 1_000)
})

test('what is asked for while one publication runs is published after it, and once for all who asked', async () => {
  const gate = Promise.withResolvers<PublishOutcome>()
  outcomes = [() => gate.promise]
  const first = publisher.sweep(scope)
  const others = [publisher.go('a'), publisher.go('b'), publisher.wake()]
  expect(tries).toBe(1)
  gate.resolve(done)
  await Promise.all([first, ...others])
  expect(tries).toBe(2)
})

test('what is frozen waits without an alarm, and goes when it is told to', async () => {
  outcomes = [async () => ({ kind: 'frozen' })]
  await publisher.arm(scope, 'a')
  await publisher.go('a')
  expect({ alarm, events }).toEqual({ alarm: null, events: [] })
  await publisher.arm(scope, 'thaw')
  await publisher.go('thaw')
  expect(tries).toBe(2)
})

test('a database that went back is reported, and not tried again by itself', async () => {
  outcomes = [async () => ({ kind: 'went_back' })]
  await publisher.sweep(scope)
  expect(events).toEqual([{ event: 'epoch_required', ...scope }])
  expect(alarm).toBeNull()
})

test('an alarm of a publisher that was never told of an environment does nothing', async () => {
  await ring()
  expect({ tries, alarm }).toEqual({ tries: 0, alarm: null })
})

/** The alarm goes off when it is due. */
async function ring(): Promise<void> {
  now = Math.max(now, alarm ?? now)
  alarm = null
  await publisher.wake()
}

function makeState(): PublisherState {
  const kept = new Map<string, unknown>()
  return {
    get: (name) => kept.get(name),
    put: (name, value) => void kept.set(name, value),
    delete: (name) => void kept.delete(name),
    list: (prefix) => [...kept].filter(([name]) => name.startsWith(prefix)),
    getAlarm: async () => alarm,
    setAlarm: async (dueMs) => {
      alarm = dueMs
    },
    deleteAlarm: async () => {
      alarm = null
    },
    sync: async () => {},
  }
}
