import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'

/** Something that runs, and may be restarted: then what was under way to it and from it is lost. */
export interface Machine {
  readonly name: string
  /** Rises with each restart. */
  life: number
  isUp: boolean
  /** Told when it dies: those who wait for its answer. */
  readonly waiting: Set<() => void>
}

/** How likely each mishap is, for each message. */
export interface Weather {
  /** A question or an answer is lost: the caller learns that something failed, sooner or later. */
  readonly lost: number
  /** A question arrives twice. */
  readonly doubled: number
  /** A message is late, by up to `lateMaxMs`, and so overtaken by others. */
  readonly late: number
  readonly lateMaxMs: number
}

export interface Network {
  weather: Weather
  /** Sockets carry nothing, and nobody notices. */
  areSocketsMute: boolean
  /** Pairs of names between which nothing passes. */
  readonly cuts: Set<string>
  /** Asks another machine to run something. Rejects, or takes long, where the network fails. */
  readonly call: <T>(from: Machine, to: Machine, run: () => T | Promise<T>) => Promise<T>
  /** How long a message takes. */
  readonly delayMs: () => number
}

export const calm: Weather = { lost: 0, doubled: 0, late: 0, lateMaxMs: 0 }

export function makeMachine(name: string): Machine {
  return { name, life: 1, isUp: true, waiting: new Set() }
}

/** Its memory is gone, and what was under way to it is lost. */
export function die(machine: Machine): void {
  machine.life += 1
  for (const tell of machine.waiting) tell()
  machine.waiting.clear()
}

/** Whether it is still the machine that it was when `life` was read. */
export function lives(machine: Machine, life: number): boolean {
  return machine.isUp && machine.life === life
}

export function cutName(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`
}

export function makeNetwork(clock: Clock, chance: Chance): Network {
  const network: Network = {
    weather: calm,
    areSocketsMute: false,
    cuts: new Set(),
    delayMs: () => delayMs(network.weather, chance),
    call: async (from, to, run) => {
      const life = from.life
      try {
        const answer = await send(network, { clock, chance }, { from, to, run })
        if (lives(from, life)) return answer
      } catch (cause) {
        if (lives(from, life)) throw cause
      }
      return await forever() // nobody is left who waits for it
    },
  }
  return network
}

interface Message<T> {
  readonly from: Machine
  readonly to: Machine
  readonly run: () => T | Promise<T>
}

async function send<T>(
  network: Network,
  { clock, chance }: { readonly clock: Clock; readonly chance: Chance },
  message: Message<T>,
): Promise<T> {
  const { from, to } = message
  const isCut = () => network.cuts.has(cutName(from.name, to.name))
  await clock.sleep(network.delayMs())
  if (isCut() || chance.hits(network.weather.lost)) return await fail(network, clock, chance)
  if (chance.hits(network.weather.doubled)) clock.after(network.delayMs(), () => void repeat(message))
  const answer = await runAt(message)
  await clock.sleep(network.delayMs())
  if (isCut() || chance.hits(network.weather.lost)) return await fail(network, clock, chance)
  return answer
}

/** A machine that is restarted while it works gives no answer; its connections break. */
async function runAt<T>({ from, to, run }: Message<T>): Promise<T> {
  if (!to.isUp) throw new Error(`${to.name} is down`)
  const death = Promise.withResolvers<never>()
  const tell = () => death.reject(new Error(`${to.name} was restarted under ${from.name}`))
  to.waiting.add(tell)
  try {
    return await Promise.race([run(), death.promise])
  } finally {
    to.waiting.delete(tell)
  }
}

async function repeat<T>(message: Message<T>): Promise<void> {
  try {
    await runAt(message)
  } catch {
    // Nobody waits for the second answer.
  }
}

/** Most failures show at once; some calls hang. */
async function fail(network: Network, clock: Clock, chance: Chance): Promise<never> {
  await clock.sleep(chance.hits(0.2) ? chance.between(1_000, 40_000) : network.delayMs())
  throw new Error('the network failed')
}

function delayMs({ late, lateMaxMs }: Weather, chance: Chance): number {
  return chance.hits(late) ? chance.between(20, lateMaxMs) : chance.between(1, 20)
}

function forever(): Promise<never> {
  return new Promise(() => {})
}
