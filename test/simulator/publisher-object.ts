/** The publisher of control, with two of them for the one environment. */
import type { PublishAnswer, Publication } from '@halyard/shared/protocol/hub.ts'
import type { EnvironmentScope } from '../../workers/control/ports.ts'
import {
  publish,
  type PublicationStore,
  type PublishDeps,
} from '../../workers/control/publication/publish.ts'
import {
  makePublisher,
  type PublisherCore,
  type PublisherState,
} from '../../workers/control/publication/publisher-core.ts'
import type { Clock } from './clock.ts'
import { compileRows, environment } from './compile.ts'
import { confirmHead, readCommitted, readKnown, requireEpoch, type Database } from './database.ts'
import { makeDurableObject, type DurableObject } from './durable-object.ts'
import type { Machine, Network } from './network.ts'
import { seal, unseal } from './sealing.ts'

export const scope: EnvironmentScope = { orgId: 'org_sim', environmentId: environment }

export interface PublisherWorld {
  readonly clock: Clock
  readonly network: Network
  readonly database: { readonly machine: Machine; readonly content: Database }
  readonly publishAtHub: (from: Machine, publication: Publication) => Promise<PublishAnswer>
  readonly trace: (who: string, what: string) => void
}

export function makePublisherObject(world: PublisherWorld, name: string): DurableObject<PublisherCore> {
  const { clock, trace } = world
  const kept: Kept = { values: new Map(), alarmAt: null }
  const object: DurableObject<PublisherCore> = makeDurableObject({
    name,
    clock,
    start: ({ alarm, machine }) =>
      makePublisher({
        state: makeState(clock, kept, alarm),
        nowMs: clock.now,
        publish: async (at) => {
          trace(name, 'begins to publish')
          const outcome = await publish(depsOf(world, machine), at)
          trace(name, JSON.stringify(outcome))
          return outcome
        },
        report: (event) => trace(name, JSON.stringify(event)),
      }),
    wake: (core) => core.wake(),
    // What was not written yet is lost, with the alarm that was to be set.
    died: () => object.alarm.set(kept.alarmAt),
  })
  return object
}

function depsOf(world: PublisherWorld, machine: Machine): PublishDeps {
  return {
    store: makeStore(world, machine),
    hub: {
      publish: (_, publication) => world.publishAtHub(machine, publication),
      storeBlob: () => Promise.reject(new Error('no snapshot here names a blob')),
    },
    nowMs: world.clock.now,
    compile: async (_, version, rows) => compileRows(version, rows),
    sample: async () => 'sample',
    sign: async (head) => seal(head),
    verify: async (signedHead) => unseal(signedHead),
  }
}

/** What is on the disk. */
interface Kept {
  values: ReadonlyMap<string, unknown>
  alarmAt: number | null
}

const writeMs = 5

/** Writes reach the disk together, soon after they were made, or at once by `sync`. */
function makeState(clock: Clock, kept: Kept, alarm: DurableObject<PublisherCore>['alarm']): PublisherState {
  const values = new Map(kept.values)
  let cancel: (() => void) | null = null
  const write = () => {
    cancel?.()
    cancel = null
    Object.assign(kept, { values: new Map(values), alarmAt: alarm.at() } satisfies Kept)
  }
  const soon = () => {
    cancel ??= clock.after(writeMs, write)
  }
  const setAlarm = async (at: number | null) => {
    alarm.set(at)
    soon()
  }
  return {
    get: (name) => values.get(name),
    put: (name, value) => {
      values.set(name, value)
      soon()
    },
    delete: (name) => {
      values.delete(name)
      soon()
    },
    list: (prefix) => [...values].filter(([name]) => name.startsWith(prefix)),
    getAlarm: async () => alarm.at(),
    setAlarm,
    deleteAlarm: () => setAlarm(null),
    sync: async () => write(),
  }
}

/** Each call is one transaction; one whose answer is lost was carried out all the same. */
function makeStore({ network, database, clock }: PublisherWorld, machine: Machine): PublicationStore {
  const ask = <T>(run: () => T) => network.call(machine, database.machine, run)
  const { content } = database
  return {
    readCommitted: () => ask(() => readCommitted(content)),
    confirm: (_, head) => ask(() => confirmHead(content, head)),
    readKnown: (_, at) => ask(() => readKnown(content, at)),
    requireEpoch: (_, hubEpoch) => ask(() => requireEpoch(content, hubEpoch)),
    raise: () => Promise.reject(new Error(`there is one compiler here, at ${clock.now()}`)),
    readBlob: async () => null,
  }
}
