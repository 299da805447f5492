/** A server's reader: the sync of the SDK, over its own transport for rulesets and the simulator's wires. */
import { startReader, type Reader } from '../../sdk/sync/reader.ts'
import type { ReaderPorts, StreamHears } from '../../sdk/sync/reader-ports.ts'
import { makeRulesetFetch } from '../../sdk/transport/ruleset-fetch.ts'
import type { Chance } from './chance.ts'
import { environment } from './compile.ts'
import type { Clock } from './clock.ts'
import { whileAlive } from './durable-object.ts'
import type { SimKey } from './keys.ts'
import { die, lives, makeMachine, type Machine } from './network.ts'
import { makeSealing } from './sealing.ts'
import type { Wire } from './wire.ts'

export interface ReaderWorld {
  readonly clock: Clock
  readonly chance: Chance
  /** Asks an isolate of the edge, whichever it meets. */
  readonly fetchEdge: (from: Machine, request: Request) => Promise<Response>
  /** Opens a stream by way of the edge; rejects if the network failed. */
  readonly openWire: (
    from: Machine,
    key: SimKey,
    since: string | null,
  ) => Promise<{ readonly wire: Wire } | { readonly status: number; readonly retryAfterMs?: number }>
  readonly trace: (who: string, what: string) => void
}

export interface ServerReader {
  readonly machine: Machine
  readonly key: SimKey
  readonly reader: () => Reader
  /** The process ends and another begins, with nothing in memory. */
  readonly restart: () => void
}

/** Anybody's machine. */
const slownessOfReaders = { probability: 0.1, maxMs: 2_500 }
const clockOffMaxMs = 3_600_000

export function makeServerReader(world: ReaderWorld, name: string, key: SimKey): ServerReader {
  const machine = makeMachine(name)
  // Its clock is anything: nothing may depend on it but the passing of time.
  const offMs = world.chance.between(-clockOffMaxMs, clockOffMaxMs)
  const start = () => startReader(environment, portsOf(world, { machine, key, offMs }))
  let reader = start()
  return {
    machine,
    key,
    reader: () => reader,
    restart: () => {
      reader.close()
      die(machine)
      reader = start()
    },
  }
}

interface Self {
  readonly machine: Machine
  readonly key: SimKey
  readonly offMs: number
}

function portsOf(world: ReaderWorld, self: Self): ReaderPorts {
  const { clock, chance, trace } = world
  const { machine, key, offMs } = self
  const { life } = machine
  return {
    openStream: (since, hears) => openStream(world, self, { since, hears }),
    fetchRuleset: makeRulesetFetch('https://edge.test', key.text, (url, { headers }) =>
      whileAlive(machine, world.fetchEdge(machine, new Request(url, headers ? { headers } : {}))),
    ),
    ...makeSealing(world, machine, slownessOfReaders),
    now: () => clock.now() + offMs,
    steadyNow: () => clock.now() + offMs,
    random: chance.next,
    setTimer: (ms, run) => clock.after(ms, () => lives(machine, life) && run()),
    report: (what) => trace(machine.name, what),
  }
}

function openStream(
  world: ReaderWorld,
  { machine, key }: Self,
  { since, hears }: { readonly since: string | null; readonly hears: StreamHears },
) {
  let end: { readonly send: (text: string) => void; readonly close: () => void } | null = null
  let isClosed = false
  const connect = async () => {
    try {
      const answer = await world.openWire(machine, key, since)
      if (!('wire' in answer))
        return isClosed || hears.ended({ ...answer, reason: `answered ${answer.status}` })
      end = answer.wire.attach(hears)
      if (isClosed) return end.close()
      return hears.opened()
    } catch (cause) {
      return isClosed || hears.ended({ reason: String(cause) })
    }
  }
  void connect()
  return {
    send: (text: string) => end?.send(text),
    close: () => {
      isClosed = true
      end?.close()
    },
  }
}
