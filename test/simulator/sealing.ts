/** Stand-ins for signatures and hashes that answer within the turn, so that the same seed gives the same history. */
import { createHash } from 'node:crypto'
import type { Head } from '@halyard/shared/protocol/head.ts'
import type { Chance } from './chance.ts'
import type { Clock } from './clock.ts'
import { whileAlive } from './durable-object.ts'
import type { Machine } from './network.ts'

const secret = 'the signing key of the simulator'

/** What a machine verifies and hashes with: at times it takes a while, and other things happen meanwhile. */
export interface Sealing {
  readonly verify: (signedHead: string) => Promise<Head | null>
  readonly hash: (content: string | Uint8Array) => Promise<string>
}

/** How likely a signature or a hash takes a while, and how long at most. */
export interface Slowness {
  readonly probability: number
  readonly maxMs: number
}

const slownessOfWorkers: Slowness = { probability: 0.05, maxMs: 250 }

export function makeSealing(
  { clock, chance }: { readonly clock: Clock; readonly chance: Chance },
  machine: Machine,
  slowness: Slowness = slownessOfWorkers,
): Sealing {
  const pause = async () => {
    if (!chance.hits(slowness.probability)) return
    await whileAlive(machine, clock.sleep(chance.between(1, slowness.maxMs)))
  }
  return {
    verify: async (signedHead) => {
      await pause()
      return unseal(signedHead)
    },
    hash: async (content) => {
      await pause()
      return hashNow(content)
    },
  }
}

/** SHA-256, hex. */
export function hashNow(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** A stand-in for a signed head: whoever does not know the secret cannot make one. */
export function seal(head: Omit<Head, 'kid'>): string {
  const text = JSON.stringify({ ...head, kid: 'sim' })
  return `${text}#${hashNow(secret + text)}`
}

const openedCache = new Map<string, Head | null>()
const openedMax = 2_000

export function unseal(signedHead: string): Head | null {
  const known = openedCache.get(signedHead)
  if (known !== undefined) return known
  const end = signedHead.lastIndexOf('#')
  const text = signedHead.slice(0, end)
  const isSound = end > 0 && signedHead.slice(end + 1) === hashNow(secret + text)
  const head = isSound ? (JSON.parse(text) as Head) : null // made by `seal`
  if (openedCache.size >= openedMax) openedCache.clear()
  openedCache.set(signedHead, head)
  return head
}
