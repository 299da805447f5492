/** The hub of the environment. */
import { parseKvValue } from '@halyard/shared/protocol/hub.ts'
import { makeHubCore, type HubCore } from '../../workers/hub/hub-core.ts'
import type { RelayAck, RelayUpdate } from '../../workers/hub/relay-wire.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import { environment } from './compile.ts'
import { makeDurableObject, whileAlive, type DurableObject } from './durable-object.ts'
import type { Kv } from './kv.ts'
import type { Machine } from './network.ts'
import { makeSealing } from './sealing.ts'
import { openObjectStorage } from './sqlite.ts'

export interface HubWorld {
  readonly clock: Clock
  readonly chance: Chance
  readonly kv: Kv
  readonly callRelay: (from: Machine, relay: string, update: RelayUpdate) => Promise<RelayAck | null>
  /** The hub tells a publisher that it holds this. */
  readonly took: (signedHead: string) => void
  /** What the hub says of its head, to whomever. */
  readonly said: (word: { readonly signedHead: string; readonly confirmedAt: number }) => void
  readonly trace: (who: string, what: string) => void
}

export interface HubObject extends DurableObject<HubCore> {
  /** The token at which what client keys may see last changed, as it lies in storage. */
  readonly clientAt: () => string | null
  readonly close: () => void
}

/** A call that takes longer has failed for its caller; see `environment-hub.ts` and `stream-relay.ts`. */
const callRelayMaxMs = 2_000
export const callHubMaxMs = 5_000
const kvMaxMs = 10_000

export function makeHubObject(world: HubWorld): HubObject {
  const { clock, kv, trace } = world
  const storage = openObjectStorage()
  const object = makeDurableObject<HubCore>({
    name: 'hub',
    clock,
    start: ({ machine, alarm, hold }) => {
      const write = (work: Promise<void>) => whileAlive(machine, within(clock, kvMaxMs, work))
      const core = makeHubCore({
        sql: storage.sql,
        transactionSync: storage.transactionSync,
        now: clock.now,
        ...makeSealing(world, machine),
        setAlarm: async (at) => alarm.set(at),
        report: (what, details) => trace('hub', `${what} ${String(details['cause'] ?? '')}`),
        isOwn: (name) => name === environment,
        kv: {
          put: (name, value) => {
            const text = String(value)
            const word = parseKvValue(text)
            if (word) world.said(word)
            return write(kv.put(name, text))
          },
          delete: (name) => write(kv.delete(name)),
        },
        callRelay: (_, relay, update) => {
          world.said(update)
          return whileAlive(machine, within(clock, callRelayMaxMs, world.callRelay(machine, relay, update)))
        },
        defer: hold,
      })
      return overheard(core, world)
    },
    wake: (core) => core.alarm(),
  })
  const clientAt = () =>
    storage.sql.exec<{ token: string }>('SELECT token FROM client_at').toArray()[0]?.token ?? null
  return { ...object, clientAt, close: storage.close }
}

/** What takes longer has failed; it goes on all the same. */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const cancel = clock.after(ms, () => late.reject(new Error(`no answer in ${ms} ms`)))
  try {
    return await Promise.race([work, late.promise])
  } finally {
    cancel()
  }
}

function overheard(core: HubCore, { said, took }: HubWorld): HubCore {
  const heard = <T extends { signedHead: string; confirmedAt: number } | null>(word: T): T => {
    if (word) said(word)
    return word
  }
  return {
    ...core,
    publish: async (publication) => {
      const answer = await core.publish(publication)
      if (answer.outcome === 'applied' || answer.outcome === 'unchanged') took(answer.signedHead)
      return answer
    },
    confirm: () => heard(core.confirm()),
    read: (reader) => heard(core.read(reader)),
    beat: (beat) => heard(core.beat(beat)),
  }
}
