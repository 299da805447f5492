/** An isolate of the edge: its own view, and what it shares with the others of its location. */
import type { Held, ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import { authorize, type Gate, type Grant } from '../../workers/edge/authorize.ts'
import { Refusal } from '../../workers/edge/refusal.ts'
import type { RouteScope } from '../../workers/edge/route-scope.ts'
import { readRuleset } from '../../workers/edge/ruleset-routes.ts'
import { makeViewCache } from '../../workers/edge/view-cache.ts'
import type { View, ViewPorts } from '../../workers/edge/view-state.ts'
import { kvNames } from '@halyard/shared/protocol/hub.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import { environment } from './compile.ts'
import { whileAlive } from './durable-object.ts'
import type { SimKey } from './keys.ts'
import type { KvLocation } from './kv.ts'
import type { SharedCache } from './location-cache.ts'
import { die, makeMachine, type Machine } from './network.ts'
import { makeSealing } from './sealing.ts'

export interface EdgeWorld {
  readonly clock: Clock
  readonly chance: Chance
  readonly keys: readonly SimKey[]
  readonly readHub: (from: Machine, held: Held) => Promise<ReadAnswer | null>
  readonly trace: (who: string, what: string) => void
}

export interface Location {
  readonly cache: SharedCache
  readonly kv: KvLocation
}

export interface EdgeIsolate {
  readonly machine: Machine
  /** What it holds, if it holds anything. */
  readonly view: () => View | null
  readonly authorize: (request: Request) => Promise<Grant>
  readonly readRuleset: (request: Request) => Promise<Response>
  /** Another isolate takes its place, with nothing in memory. */
  readonly restart: () => void
}

export function makeEdgeIsolate(world: EdgeWorld, name: string, location: Location): EdgeIsolate {
  const machine = makeMachine(name)
  let gate = makeGate(world.keys)
  const ports = makePorts(world, machine, location)
  return {
    machine,
    view: () => gate.views.views.get(environment) ?? null,
    authorize: (request) => authorize(gate, request, ports),
    readRuleset: (request) => answer(readRuleset({ request, edge: gate as RouteScope['edge'], ports })), // all of it that this route uses
    restart: () => {
      die(machine)
      gate = makeGate(world.keys)
    },
  }
}

/** What route.ts makes of a refusal. */
async function answer(work: Promise<Response>): Promise<Response> {
  try {
    return await work
  } catch (cause) {
    if (!(cause instanceof Refusal)) throw cause
    return new Response(cause.message, { status: cause.status, headers: { ...cause.extra.headers } })
  }
}

/** The texts of keys have been read before: that takes real cryptography, and time. */
function makeGate(keys: readonly SimKey[]): Gate {
  const keyCache: Gate['keyCache'] = new Map(
    keys.map(({ text, hash, class: keyClass }) => [text, { class: keyClass, environment, hash }]),
  )
  return { views: makeViewCache(), keyCache, idCheckSecret: '' }
}

function makePorts(world: EdgeWorld, machine: Machine, { cache, kv }: Location): ViewPorts {
  const { clock, chance, trace } = world
  const alive = <T>(work: Promise<T>) => whileAlive(machine, work)
  return {
    readHub: (_, held) => world.readHub(machine, held),
    readKv: (kind) => alive(kv.read(kvNames[kind](environment))),
    readHubBlob: async () => null,
    readKvBlob: async () => null,
    cache: {
      read: (name) => alive(cache.read(name)),
      write: (name, content, maxAgeSec) => alive(cache.write(name, content, maxAgeSec)),
    },
    ...makeSealing(world, machine),
    now: clock.now,
    random: chance.next,
    sleep: (ms) => alive(clock.sleep(ms)),
    defer: (work) => void work.catch(() => undefined),
    report: (_, what) => trace(machine.name, what),
  }
}
