/** A relay, with the sockets that the platform keeps for it. */
import type { Head } from '@halyard/shared/protocol/head.ts'
import { makeRelayCore, type Opened, type Opening, type RelayCore } from '../../workers/hub/relay-core.ts'
import type { RelaySockets } from '../../workers/hub/relay-state.ts'
import type { RelayBeat, RelayUpdate } from '../../workers/hub/relay-wire.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import { environment } from './compile.ts'
import { makeDurableObject, whileAlive, type DurableObject } from './durable-object.ts'
import { callHubMaxMs, within } from './hub-object.ts'
import type { Machine, Network } from './network.ts'
import { makeSealing } from './sealing.ts'
import { openObjectStorage, type ObjectStorage } from './sqlite.ts'
import { makeWire, type Wire, type WireEnds } from './wire.ts'

export interface RelayWorld {
  readonly clock: Clock
  readonly chance: Chance
  readonly network: Network
  readonly askHub: (from: Machine, beat: RelayBeat) => Promise<RelayUpdate | null>
  /** Hears what lies in a relay's storage. */
  readonly held: (relay: string, head: Head | null) => void
  /** Hears what a relay tells one of its sockets. */
  readonly told: (relay: string, wire: WireEnds, text: string) => void
  readonly trace: (who: string, what: string) => void
}

export interface RelayObject extends DurableObject<RelayCore> {
  readonly name: string
  /** The region and number, as the hub knows it. */
  readonly relay: string
  readonly wires: Set<Wire>
  readonly open: (
    since: string | null,
    ends: WireEnds,
  ) => Promise<{ readonly opened: Opened; readonly wire: Wire | null }>
  readonly close: () => void
}

export function makeRelayObject(world: RelayWorld, relay: string): RelayObject {
  const { clock, chance, network, trace } = world
  const storage = openObjectStorage()
  const wires = new Set<Wire>()
  const name = `relay ${relay}`
  const accept = (ends: WireEnds): Wire => {
    const wire = makeWire(
      {
        clock,
        chance,
        network,
        left: (gone) => wires.delete(gone),
        told: (text) => world.told(name, ends, text),
      },
      ends,
    )
    wires.add(wire)
    return wire
  }
  const object = makeDurableObject<RelayCore>({
    name,
    clock,
    start: ({ machine, alarm }) => {
      const core = makeRelayCore({
        sql: storage.sql,
        transactionSync: storage.transactionSync,
        now: clock.now,
        ...makeSealing(world, machine),
        setAlarm: async (at) => alarm.set(at),
        report: (what, details) => trace(name, `${what} ${String(details['cause'] ?? '')}`),
        random: chance.next,
        callHub: (_, beat) => whileAlive(machine, within(clock, callHubMaxMs, world.askHub(machine, beat))),
        sockets: socketsOf(wires),
      })
      return watched(core, () => world.held(name, readHeld(storage)))
    },
    wake: (core) => core.alarm(),
    died: () => {
      for (const wire of wires) wire.break()
      wires.clear()
    },
  })
  const open = (since: string | null, ends: WireEnds) =>
    object.run(async (core) => {
      const opening: Opening = { environment, relay, class: ends.class, keyId: ends.keyId, since }
      let wire: Wire | null = null
      const opened = await core.open(opening, () => (wire = accept(ends)))
      return { opened, wire }
    })
  return { ...object, name, relay, wires, open, close: storage.close }
}

/** After each thing that it did. */
function watched(core: RelayCore, look: () => void): RelayCore {
  const after = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work
    look()
    return result
  }
  return {
    open: (opening, accept) => after(core.open(opening, accept)),
    push: (update) => after(core.push(update)),
    alarm: () => after(core.alarm()),
  }
}

function readHeld({ sql }: ObjectStorage): Head | null {
  const tables = sql.exec("SELECT name FROM sqlite_master WHERE name = 'replica'").toArray()
  if (tables.length === 0) return null
  const [row] = sql.exec<{ head: string }>('SELECT head FROM replica').toArray()
  return row ? (JSON.parse(row.head) as Head) : null // what the relay wrote
}

function socketsOf(wires: ReadonlySet<Wire>): RelaySockets {
  const all = () => [...wires].filter(({ isOpenAtRelay }) => isOpenAtRelay)
  return {
    count: () => all().length,
    ofClass: (keyClass) => all().filter((wire) => wire.class === keyClass),
    ofKey: ({ class: keyClass, keyId }) =>
      all().filter((wire) => wire.class === keyClass && wire.keyId === keyId),
    heardAt: (socket) => all().find((wire) => wire === socket)?.heardAt ?? 0,
  }
}
