import { expect, test } from 'vitest'
import type { ClientStatus, FlagChange } from '../client/flag-client.ts'
import { followClient, type Signal } from './follow-client.ts'

const starting: ClientStatus = { state: 'starting', version: null, origin: null, ageMs: null }
const live: ClientStatus = { state: 'live', version: '1.1', origin: 'stream', ageMs: 0 }
const stale: ClientStatus = { ...live, state: 'stale', error: 'the network is gone' }
const refused: ClientStatus = { ...starting, state: 'offline', error: 'the key was revoked', isRefused: true }

/** A client whose states the test decides. */
function openScripted(first: ClientStatus) {
  let status = first
  const waiting: ((isReady: boolean) => void)[] = []
  const heard: Signal[] = []
  const changes = new Set<(change: FlagChange) => void>()
  const statuses = new Set<(status: ClientStatus) => void>()
  const following = followClient(
    {
      ready: () => new Promise((resolve) => waiting.push(resolve)),
      status: () => status,
      on: (event: 'change' | 'status', listener: never) => {
        const of: Set<unknown> = event === 'change' ? changes : statuses
        of.add(listener)
        return () => of.delete(listener)
      },
    },
    (signal) => heard.push(signal),
  )
  return {
    heard,
    following,
    settle: (isReady: boolean) => waiting.pop()?.(isReady),
    become: (next: ClientStatus) => {
      status = next
      for (const listener of statuses) listener(next)
    },
    change: (...flags: readonly string[]) => {
      for (const listener of changes) listener({ version: '1.2', flags })
    },
    listeners: () => changes.size + statuses.size,
    /** The turn of the loop after the outcome, by when the SDK has noted it. */
    noted: async () => {
      await following.outcome
      await new Promise((resolve) => setTimeout(resolve, 0))
    },
  }
}

test('what the SDK notes itself is not told again', async () => {
  const { following, settle, become, noted, heard } = openScripted(starting)
  become(live)
  settle(true)
  await expect(following.outcome).resolves.toBe('ready')
  await noted()
  become(live)
  expect(heard).toEqual([])
})

test('each state is told once, when it begins', async () => {
  const { settle, become, noted, heard } = openScripted(live)
  settle(true)
  await noted()
  become(stale)
  become({ ...stale, state: 'offline' })
  become({ ...live, state: 'polling' })
  expect(heard).toEqual([{ kind: 'stale', message: 'the network is gone' }, { kind: 'ready' }])
})

test('flags that nobody has confirmed are stale from the start', async () => {
  const { following, settle, noted, heard } = openScripted({ ...live, state: 'offline', origin: 'store' })
  settle(true)
  await expect(following.outcome).resolves.toBe('ready')
  expect(heard).toEqual([])
  await noted()
  expect(heard).toEqual([{ kind: 'stale', message: 'the client is offline' }])
})

test('flags that come late are told, even in the moment in which the waiting ended', async () => {
  const { following, settle, become, noted, heard } = openScripted(starting)
  settle(false)
  await expect(following.outcome).resolves.toBe('late')
  become(live)
  expect(heard).toEqual([])
  await noted()
  expect(heard).toEqual([{ kind: 'ready' }])
})

test('a refused key ends the waiting at once', async () => {
  const { following, become, noted, heard } = openScripted(starting)
  become(refused)
  await expect(following.outcome).resolves.toBe('fatal')
  await noted()
  expect(heard).toEqual([])
})

test('a key that is refused later is fatal without flags, and stale with some', async () => {
  const without = openScripted(starting)
  without.settle(false)
  await without.noted()
  without.become(refused)
  expect(without.heard).toEqual([{ kind: 'fatal', message: 'the key was revoked' }])
  const withSome = openScripted(live)
  withSome.settle(true)
  await withSome.noted()
  withSome.become({ ...refused, origin: 'stream', version: '1.1' })
  expect(withSome.heard).toEqual([{ kind: 'stale', message: 'the key was revoked' }])
})

test('changes are told once there were flags, and the first flags are no change', async () => {
  const { settle, become, change, noted, heard } = openScripted(starting)
  change('first')
  settle(false)
  await noted()
  change('still-none')
  become(live)
  change('second', 'third')
  expect(heard).toEqual([{ kind: 'ready' }, { kind: 'changed', flags: ['second', 'third'] }])
})

test('nothing is told after the end, and nothing is listened to', async () => {
  const { following, settle, become, listeners, noted, heard } = openScripted(live)
  settle(true)
  await following.outcome
  following.stop()
  become(stale)
  await noted()
  expect(heard).toEqual([])
  expect(listeners()).toBe(0)
})

test('from a change of context until the SDK noted its end nothing is told but what came after it', async () => {
  const { following, settle, become, change, noted, heard } = openScripted(live)
  settle(true)
  await noted()
  following.mute()
  change('of the user before')
  become(starting)
  become(stale)
  become(live)
  expect(heard).toEqual([])
  following.believe('ready')
  change('of the next')
  become(stale)
  await noted()
  expect(heard).toEqual([
    { kind: 'changed', flags: ['of the next'] },
    { kind: 'stale', message: 'the network is gone' },
  ])
})

test('a change of context in the moment in which the one before ended is told of no sooner', async () => {
  const { following, settle, become, noted, heard } = openScripted(live)
  settle(true)
  await noted()
  following.mute()
  following.believe('ready')
  following.mute()
  become(stale)
  await noted()
  expect(heard).toEqual([])
})
