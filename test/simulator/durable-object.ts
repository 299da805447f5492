/** A Durable Object: its memory may vanish between any two calls, its storage and its alarm do not. */
import type { Clock } from './clock.ts'
import { die, lives, makeMachine, type Machine } from './network.ts'

export interface DurableObject<Core> {
  readonly machine: Machine
  readonly alarm: Alarm
  /** Runs something on the core, which sleeps no more until it is done. Rejects while the object is down. */
  readonly run: <T>(work: (core: Core) => T | Promise<T>) => Promise<T>
  /** Memory is lost, and with it whatever is under way. It comes up again after so long. */
  readonly crash: (downMs: number) => void
  /** Memory is lost, if nothing is under way: the object hibernates. */
  readonly hibernate: () => void
  /** Keeps it awake until that work is done. */
  readonly hold: (work: Promise<void>) => void
}

export interface Alarm {
  readonly at: () => number | null
  readonly set: (at: number | null) => void
}

export interface ObjectParts<Core> {
  readonly name: string
  readonly clock: Clock
  /** A new incarnation, over the same storage. */
  readonly start: (object: DurableObject<Core>) => Core
  readonly wake: (core: Core) => Promise<void>
  /** The process died: besides memory, connections are lost. */
  readonly died?: () => void
}

interface Life<Core> {
  core: Core | null
  busy: number
}

const alarmRetryMs = 2_000

export function makeDurableObject<Core>(parts: ObjectParts<Core>): DurableObject<Core> {
  const { clock, start } = parts
  const machine = makeMachine(parts.name)
  const life: Life<Core> = { core: null, busy: 0 }
  const run = async <T>(work: (core: Core) => T | Promise<T>): Promise<T> => {
    if (!machine.isUp) throw new Error(`${machine.name} is down`)
    const { life: begun } = machine
    life.core ??= start(object)
    life.busy += 1
    try {
      return await work(life.core)
    } finally {
      if (lives(machine, begun)) life.busy -= 1
    }
  }
  const alarm = makeAlarm(clock, machine, () => run(parts.wake))
  const forget = () => {
    die(machine)
    Object.assign(life, { core: null, busy: 0 })
  }
  const object: DurableObject<Core> = {
    machine,
    alarm,
    run,
    crash: (downMs) => {
      forget()
      machine.isUp = false
      parts.died?.()
      clock.after(downMs, () => {
        machine.isUp = true
      })
    },
    hibernate: () => {
      if (life.busy === 0) forget()
    },
    hold: (work) => void run(() => work).catch(() => undefined), // what is held reports by itself
  }
  return object
}

/** At least once: one whose object died, or that rejected, goes off again. */
function makeAlarm(clock: Clock, machine: Machine, ring: () => Promise<void>): Alarm {
  let at: number | null = null
  let cancel: (() => void) | null = null
  const set = (next: number | null) => {
    cancel?.()
    at = next
    if (next !== null) cancel = clock.after(next - clock.now(), () => void goOff())
  }
  const again = () => {
    if (at === null || at > clock.now() + alarmRetryMs) set(clock.now() + alarmRetryMs)
  }
  const goOff = async () => {
    at = null
    const { life } = machine
    // One that never ends because its object died goes off again, too.
    const watch = watchLife(clock, machine, life, again)
    try {
      await ring()
      if (!lives(machine, life)) return
    } catch {
      again()
    }
    watch.stop()
  }
  return { at: () => at, set }
}

function watchLife(clock: Clock, machine: Machine, life: number, died: () => void): { stop: () => void } {
  let cancel: (() => void) | null = null
  const look = () => {
    if (lives(machine, life)) cancel = clock.after(alarmRetryMs, look)
    else died()
  }
  cancel = clock.after(alarmRetryMs, look)
  return { stop: () => cancel?.() }
}

/** The result of something that is not a call to another machine, but outlasts the life of who asked for it. */
export async function whileAlive<T>(machine: Machine, work: Promise<T>): Promise<T> {
  const { life } = machine
  try {
    const result = await work
    if (lives(machine, life)) return result
  } catch (cause) {
    if (lives(machine, life)) throw cause
  }
  return await new Promise<never>(() => {})
}
