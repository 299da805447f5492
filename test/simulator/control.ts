/** The writes of control: a change arms the publisher, is committed, and tells the publisher to go. */
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import type { Version } from '@halyard/shared/protocol/version.ts'
import type { HistoryRow } from '../../workers/control/ports.ts'
import type { PublisherCore } from '../../workers/control/publication/publisher-core.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import type { FlagState } from './compile.ts'
import { commit, type Database } from './database.ts'
import type { DurableObject } from './durable-object.ts'
import { lives, type Machine, type Network } from './network.ts'
import { scope } from './publisher-object.ts'

export interface ControlWorld {
  readonly clock: Clock
  readonly chance: Chance
  readonly network: Network
  readonly database: { readonly machine: Machine; readonly content: Database }
  readonly publishers: readonly DurableObject<PublisherCore>[]
  readonly control: Machine
  readonly trace: (who: string, what: string) => void
}

export interface Manner {
  readonly publisher?: DurableObject<PublisherCore>
  /** How long the transaction takes once the publisher is armed. */
  readonly pauseMs?: number
  /** Control dies after the commit. */
  readonly isSilent?: boolean
}

const flagsMax = 6

/**
 * A change as `usecases/change.ts` makes it: armed before it is committed, told after. Gives the version once it is
 * committed; null if it was refused; rejects if that is not known.
 */
export async function write(
  world: ControlWorld,
  rows: readonly HistoryRow[],
  manner: Manner = {},
): Promise<Version | null> {
  const { clock, chance, network, control, database, trace } = world
  // The transaction begins first.
  if (!database.machine.isUp) throw new Error('the database is down')
  const publisher = manner.publisher ?? chance.pick(world.publishers)
  const change = `change ${chance.next()}`
  const { life } = control
  await network.call(control, publisher.machine, () => publisher.run((core) => core.arm(scope, change)))
  await clock.sleep(manner.pauseMs ?? chance.between(1, 30))
  // Whoever dies in here leaves an armed publisher behind, before or after the commit.
  if (!lives(control, life)) throw new Error('control died')
  const at = database.machine.isUp ? commit(database.content, rows, clock.now()) : null
  trace('control', at ? `committed ${at.epoch}.${at.version}` : 'a write was refused')
  await clock.sleep(chance.between(1, 10))
  if (!lives(control, life) || manner.isSilent) throw new Error('control died')
  const tell = () => publisher.run((core) => (at ? core.go(change) : core.release(change)))
  void network.call(control, publisher.machine, tell).catch(() => undefined) // the alarm goes off anyway
  return at
}

/** What the cron of control does each minute: whatever waits is published. */
export async function sweep(world: ControlWorld): Promise<void> {
  const { network, control, chance, database } = world
  const { outbox, isFrozen, isEpochRequired } = database.content.state
  if (outbox.length === 0 || isFrozen || isEpochRequired || !database.machine.isUp) return
  const publisher = chance.pick(world.publishers)
  await network.call(control, publisher.machine, () => publisher.run((core) => core.sweep(scope)))
}

/** One flag set, made or removed. */
export function changeFlag(chance: Chance): HistoryRow {
  const key = `flag-${chance.between(1, flagsMax)}`
  const state: FlagState = {
    key,
    value: chance.between(1, 1_000_000),
    clientVisible: chance.hits(0.5),
  }
  return { kind: 'flag', objectId: key, state: chance.hits(0.15) ? null : { ...state } }
}

/** A key, or its revocation. */
export function keyRow(key: AccessKey, isLive: boolean): HistoryRow {
  const { id, hash, class: keyClass } = key
  return { kind: 'key', objectId: id, state: isLive ? { id, hash, class: keyClass } : null }
}
