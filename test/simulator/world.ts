/** The whole of Halyard for one environment, made of its own parts, on one clock. */
import type { Head } from '@halyard/shared/protocol/head.ts'
import { makeChance, type Chance } from './chance.ts'
import { makeChecks, type Checks } from './checks.ts'
import { makeClientListener, type ClientListener } from './client-listener.ts'
import { makeClock, type Clock } from './clock.ts'
import { changeFlag, keyRow, type ControlWorld } from './control.ts'
import { makeDatabase } from './database.ts'
import { makeEdgeIsolate, type EdgeIsolate, type Location } from './edge-isolate.ts'
import { makeHubObject, type HubObject } from './hub-object.ts'
import { makeSimKey, type SimKey } from './keys.ts'
import { makeKv, type Kv } from './kv.ts'
import { makeSharedCache } from './location-cache.ts'
import { openWire } from './open-wire.ts'
import { makeMachine, makeNetwork, type Machine, type Network } from './network.ts'
import { makePublisherObject, scope } from './publisher-object.ts'
import { makeRelayObject, type RelayObject } from './relay-object.ts'
import { unseal } from './sealing.ts'
import { makeServerReader, type ServerReader } from './server-reader.ts'
import type { WireEnds } from './wire.ts'

export interface World extends ControlWorld {
  readonly kv: Kv
  readonly checks: Checks
  readonly hub: HubObject
  readonly relays: readonly RelayObject[]
  readonly locations: readonly Location[]
  readonly isolates: readonly EdgeIsolate[]
  readonly readers: readonly ServerReader[]
  readonly listeners: readonly ClientListener[]
  /** Those that live as long as the history, and those that are revoked at some time. */
  readonly keys: { readonly lasting: readonly SimKey[]; readonly passing: readonly SimKey[] }
  readonly log: readonly string[]
  readonly close: () => void
}

const startTime = 1_700_000_000_000
const bootMs = 500
const logMax = 4_000
const relayNames = ['weur/0', 'enam/0']

/** What the parts share while the world is put together. */
interface Ground {
  readonly clock: Clock
  readonly chance: Chance
  readonly network: Network
  readonly kv: Kv
  readonly checks: Checks
  readonly database: World['database']
  readonly keys: World['keys']
  readonly trace: (who: string, what: string) => void
}

/** A world in which something has been published, and readers have just begun. */
export async function makeWorld(seed: number): Promise<World> {
  const chance = makeChance(seed)
  const clock = makeClock(startTime)
  const log: string[] = []
  const trace = (who: string, what: string) => {
    log.push(`${String(clock.now() - startTime).padStart(7)} ${who}: ${what}`)
    if (log.length > logMax) log.splice(0, logMax / 2)
  }
  const keys = {
    lasting: [makeSimKey('key_s1', 'server'), makeSimKey('key_c1', 'client')],
    passing: [makeSimKey('key_s2', 'server'), makeSimKey('key_c2', 'client')],
  }
  const rows = [
    changeFlag(chance),
    ...Object.values(keys)
      .flat()
      .map((key) => keyRow(key, true)),
  ]
  const content = makeDatabase(rows, clock.now())
  const ground: Ground = {
    clock,
    chance,
    network: makeNetwork(clock, chance),
    kv: makeKv(clock, chance),
    checks: makeChecks(content, (fault) => trace('FAULT', fault)),
    database: { machine: makeMachine('database'), content },
    keys,
    trace,
  }
  const { hub, relays } = makeHubAndRelays(ground)
  const control = makeMachine('control')
  const publishers = ['publisher 1', 'publisher 2'].map((name) =>
    makePublisherObject(
      {
        ...ground,
        publishAtHub: (from, publication) =>
          ground.network.call(from, hub.machine, () => hub.run((core) => core.publish(publication))),
      },
      name,
    ),
  )
  const sweepFirst = () => publishers[0]?.run((core) => core.sweep(scope))
  void sweepFirst()
  await clock.runUntil(clock.now() + bootMs, () => {})
  const edge = makeEdge(ground, hub)
  const readers = makeReaders(ground, edge.isolates, relays)
  const close = () => {
    hub.close()
    for (const relay of relays) relay.close()
  }
  return { ...ground, control, publishers, hub, relays, ...edge, ...readers, log, close }
}

function makeHubAndRelays({ clock, chance, network, kv, checks, trace }: Ground) {
  const relays: RelayObject[] = []
  const hub = makeHubObject({
    clock,
    chance,
    kv,
    callRelay: async (from, name, update) => {
      const relay = relays.find((each) => each.relay === name)
      if (!relay) throw new Error(`there is no relay ${name}`)
      return await network.call(from, relay.machine, () => relay.run((core) => core.push(update)))
    },
    took: checks.hubTook,
    said: ({ signedHead, confirmedAt }) => checks.hubSaid(signedHead, confirmedAt),
    trace,
  })
  for (const name of relayNames) {
    const relay = makeRelayObject(
      {
        clock,
        chance,
        network,
        askHub: (from, beat) => network.call(from, hub.machine, () => hub.run((core) => core.beat(beat))),
        held: (who, head) => head && checks.holds(storageName(who), { head }),
        told: (who, wire, text) => hearRelay({ checks, trace }, { who, wire, text }),
        trace,
      },
      name,
    )
    relays.push(relay)
  }
  return { hub, relays }
}

/** Under this name stands what a relay holds, whomever it tells of it. */
export function storageName(relay: string): string {
  return `${relay} storage`
}

/** What a relay sends is what it holds; it never tells a page's listener more than a version. */
function hearRelay(
  { checks, trace }: Pick<Ground, 'checks' | 'trace'>,
  { who, wire, text }: { readonly who: string; readonly wire: WireEnds; readonly text: string },
): void {
  const message = JSON.parse(text) as Readonly<Record<string, unknown>> // what our own relay sends
  const { kind, signedHead, body, version, confirmedAt } = message
  const head: Head | null = typeof signedHead === 'string' ? unseal(signedHead) : null
  const token = head ? `${head.epoch}.${head.version}` : String(version ?? '')
  trace(who, `tells ${wire.reader} ${String(kind)} ${token} ${String(confirmedAt ?? '')}`)
  if (wire.class === 'client' && (signedHead !== undefined || body !== undefined))
    checks.fault(`${who} told a client more than it may know: ${text}`)
  if (wire.class === 'server' && signedHead !== undefined && !head)
    checks.fault(`${who} sent a head that nobody signed`)
  // A chain of deltas ends at what it holds, and its snapshot is what it holds.
  if (head && kind !== 'delta') checks.holds(who, { head, ...(typeof body === 'string' && { body }) })
  if (head && typeof confirmedAt === 'number') checks.claims(who, head, confirmedAt)
}

function makeEdge(ground: Ground, hub: HubObject) {
  const { clock, chance, network, kv, keys, trace } = ground
  const locations = ['ams', 'iad'].map((name) => ({ cache: makeSharedCache(clock, chance), kv: kv.at(name) }))
  const world = {
    clock,
    chance,
    keys: [...keys.lasting, ...keys.passing],
    readHub: (from: Machine, held: Parameters<Parameters<typeof makeEdgeIsolate>[0]['readHub']>[1]) =>
      network.call(from, hub.machine, () => hub.run((core) => core.read(held))),
    trace,
  }
  const isolates = locations.flatMap((location, index) =>
    ['a', 'b'].map((letter) => makeEdgeIsolate(world, `isolate ${index}${letter}`, location)),
  )
  return { locations, isolates }
}

function makeReaders(ground: Ground, isolates: readonly EdgeIsolate[], relays: readonly RelayObject[]) {
  const { clock, chance, network, keys, trace } = ground
  const connect = async (from: Machine, key: SimKey, since: string | null) => {
    const isolate = chance.pick(isolates)
    const answer = await openWire(network, { from, key, since, isolate, relay: relayOf(relays, from) })
    if ('status' in answer) trace(from.name, `is answered ${answer.status} by ${isolate.machine.name}`)
    return answer
  }
  const fetchEdge = async (from: Machine, request: Request) => {
    const isolate = chance.pick(isolates)
    trace(from.name, `asks ${isolate.machine.name} for ${new URL(request.url).search}`)
    const answer = await network.call(from, isolate.machine, () => isolate.readRuleset(request))
    const [token, age] = [answer.headers.get('Halyard-Version'), answer.headers.get('Halyard-Age')]
    trace(from.name, `is answered ${answer.status} ${token}, ${age} s old`)
    return answer
  }
  const world = {
    clock,
    chance,
    openWire: connect,
    fetchEdge,
    trace,
    heard: (who: string, { version }: Readonly<Record<string, unknown>>) => {
      if (version !== undefined) trace(who, `hears of ${String(version)}`)
    },
  }
  const [serverKey, clientKey] = keys.lasting
  const [passingServer, passingClient] = keys.passing
  if (!serverKey || !clientKey || !passingServer || !passingClient) throw new Error('keys are missing')
  const readers = [serverKey, serverKey, passingServer].map((key, index) =>
    makeServerReader(world, `reader ${index}`, key),
  )
  const listeners = [clientKey, passingClient].map((key, index) =>
    makeClientListener(world, `listener ${index}`, key),
  )
  for (const { machine, reader } of readers) {
    clock.after(0, () => reader().onChange(({ token }) => trace(machine.name, `holds ${token}`)))
  }
  return { readers, listeners }
}

/** Each reader has its region. */
function relayOf(relays: readonly RelayObject[], { name }: Machine): RelayObject {
  const relay = relays[name.charCodeAt(name.length - 1) % relays.length]
  if (!relay) throw new Error('there is no relay')
  return relay
}
