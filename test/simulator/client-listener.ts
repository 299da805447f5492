/** A page's listener: it is told that its answers may have changed, and by which version. */
import { pingText } from '@halyard/shared/protocol/stream.ts'
import { compareVersions, type Version } from '@halyard/shared/protocol/version.ts'
import { makeBackOff } from '../../sdk/sync/back-off.ts'
import { versionOf } from './checks.ts'
import type { SimKey } from './keys.ts'
import { die, lives, makeMachine, type Machine } from './network.ts'
import type { ReaderWorld } from './server-reader.ts'

export interface ClientListener {
  readonly machine: Machine
  readonly key: SimKey
  readonly state: ListenerState
  readonly restart: () => void
}

export interface ListenerState {
  /** The newest version that it was told of. */
  version: Version | null
  isRefused: boolean
  /** When it last heard anything. */
  heardAt: number
}

export interface ListenerWorld extends ReaderWorld {
  /** Hears each message that a listener gets. */
  readonly heard: (who: string, message: Readonly<Record<string, unknown>>) => void
}

const silenceMaxMs = 30_000
const retryMs = { first: 1_000, last: 30_000 }

export function makeClientListener(world: ListenerWorld, name: string, key: SimKey): ClientListener {
  const machine = makeMachine(name)
  const state: ListenerState = { version: null, isRefused: false, heardAt: -Infinity }
  const start = () => void listen(world, { machine, key, state })
  start()
  return {
    machine,
    key,
    state,
    restart: () => {
      die(machine)
      Object.assign(state, { version: null, heardAt: -Infinity } satisfies Partial<ListenerState>)
      start()
    },
  }
}

type Self = Pick<ClientListener, 'machine' | 'key' | 'state'>

/** One connection after the other, until the key is refused. */
async function listen(world: ListenerWorld, self: Self): Promise<void> {
  const { machine, state } = self
  const { life } = machine
  const backOff = makeBackOff(retryMs.first, retryMs.last, world.chance.next)
  while (lives(machine, life) && !state.isRefused) {
    const begunAt = world.clock.now()
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    const { status, code } = await hearOut(world, self)
    if (!lives(machine, life)) return
    state.isRefused = status === 401 || status === 403 || code === 4401
    if (world.clock.now() - begunAt > 60_000) backOff.reset()
    await world.clock.sleep(backOff.next()) // oxlint-disable-line no-await-in-loop -- the same
  }
}

interface Ending {
  readonly status?: number
  readonly code?: number
}

async function hearOut(world: ListenerWorld, { machine, key, state }: Self): Promise<Ending> {
  const { life } = machine
  const ended = Promise.withResolvers<Ending>()
  const since = state.version ? `${state.version.epoch}.${state.version.version}` : null
  try {
    const answer = await world.openWire(machine, key, since)
    if (!('wire' in answer)) return answer
    state.heardAt = world.clock.now()
    const end = answer.wire.attach({
      opened: () => undefined,
      heard: (text) => {
        if (!lives(machine, life)) return
        const message = JSON.parse(text) as Readonly<Record<string, unknown>> // what our own relay sends
        state.heardAt = world.clock.now()
        world.heard(machine.name, message)
        heed(state, message)
        if (message['kind'] === 'head') end.send(pingText)
        if (message['kind'] === 'goaway') ended.resolve({})
      },
      ended: (ending) => ended.resolve(ending),
    })
    const ending = await Promise.race([ended.promise, silence(world, self(machine, life), state)])
    end.close()
    return ending
  } catch {
    return {} // the network failed: it comes again
  }
}

function self(machine: Machine, life: number): () => boolean {
  return () => lives(machine, life)
}

/** Ends when nothing was heard for two heartbeats. */
async function silence(
  { clock }: ListenerWorld,
  isAlive: () => boolean,
  state: ListenerState,
): Promise<Ending> {
  while (isAlive() && clock.now() - state.heardAt <= silenceMaxMs) await clock.sleep(5_000) // oxlint-disable-line no-await-in-loop -- a watch
  return {}
}

/** Its version is the newest that it was told of: late news change nothing. */
function heed(state: ListenerState, { version }: Readonly<Record<string, unknown>>): void {
  if (typeof version !== 'string') return
  const told = versionOf(version)
  if (!state.version || compareVersions(told, state.version) > 0) state.version = told
}
