/** A world for a view: a clock that stands still until it is moved, and sources that answer when and what they are told. */
import type { Head } from '@halyard/shared/protocol/head.ts'
import { formatKvValue, type Held, type ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import { makeView, type BlobBytes, type LocationCache, type View, type ViewPorts } from './view-state.ts'
import { confirmDeadlineMs, freshen, recheck } from './view.ts'

export const environment = 'env_1'

/** A stand-in for SHA-256 that answers within the turn; the tests of the routes use the real one. */
export function hashOf(content: string | BlobBytes): string {
  const text = content.toString()
  if (text.length <= shownLengthMax) return `hash of ${text}`
  let sum = 0
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) | 0
  return `hash of ${text.length} units ${sum}`
}

const shownLengthMax = 500

export interface Made {
  readonly head: Head
  readonly body: string
  readonly access: string
}

export function make(
  epoch: number,
  version: number,
  rest: Partial<Head> & { body?: string; access?: string } = {},
): Made {
  const { body = `flag\tv${epoch}.${version}\t{}`, access = accessOf(), ...overrides } = rest
  const hashes = {
    snapshotHash: hashOf(body),
    accessHash: hashOf(access),
    clientHash: hashOf(`client ${body}`),
  }
  const head = {
    environment,
    epoch,
    version,
    ...hashes,
    size: body.length,
    schema: 1,
    compiler: 1,
    time: 0,
    kid: 'k',
  }
  return { head: { ...head, ...overrides }, body, access }
}

export function accessOf(...ids: readonly string[]): string {
  return JSON.stringify({
    environment,
    keys: ids.map((id) => ({ id, hash: `hash of key ${id}`, class: 'server' })),
  })
}

export const signed = ({ head }: Made) => `signed ${JSON.stringify(head)}`

/** The hub's whole answer. */
export function answerOf(made: Made, confirmedAt: number): ReadAnswer {
  return { signedHead: signed(made), confirmedAt, body: made.body, access: made.access }
}

export function kvValueOf(made: Made, kind: 'snapshot' | 'access', confirmedAt: number): string {
  return formatKvValue(
    { signedHead: signed(made), confirmedAt },
    kind === 'snapshot' ? made.body : made.access,
  )
}

/** What several isolates of a location share. */
export type Shelf = Map<string, BlobBytes>

export const bytesOfText = (text: string): BlobBytes => new Uint8Array(new TextEncoder().encode(text))

/** An isolate: alone at its location, unless it is given a shelf that others use too. */
export function makeViewWorld(shelf: Shelf = new Map()) {
  let now = 1_000_000
  let sleepers: { readonly at: number; readonly wake: () => void }[] = []
  const reports: string[] = []
  const sources = {
    hub: async (_held: Held): Promise<ReadAnswer | null> => await Promise.reject(new Error('no hub')),
    kv: async (_kind: 'snapshot' | 'access'): Promise<string | null> => null,
    cache: async (name: string): Promise<BlobBytes | null> => shelf.get(name) ?? null,
    random: () => 0.5,
    hubBlob: async (_hash: string): Promise<BlobBytes | null> => await Promise.reject(new Error('no hub')),
    kvBlob: async (_hash: string): Promise<BlobBytes | null> => null,
  }
  const reads = { hub: 0, kv: 0, cache: 0, hubBlob: 0, kvBlob: 0 }
  const cache: LocationCache = {
    read: (name) => ((reads.cache += 1), sources.cache(name)),
    write: async (name, content) =>
      void shelf.set(name, typeof content === 'string' ? bytesOfText(content) : content),
  }
  const sleep = (ms: number) => new Promise<void>((wake) => sleepers.push({ at: now + ms, wake }))
  const ports: ViewPorts = {
    readHub: (_, held) => ((reads.hub += 1), sources.hub(held)),
    readKv: (kind) => ((reads.kv += 1), sources.kv(kind)),
    readHubBlob: (_, hash) => ((reads.hubBlob += 1), sources.hubBlob(hash)),
    readKvBlob: (_, hash) => ((reads.kvBlob += 1), sources.kvBlob(hash)),
    cache,
    verify: async (text) => (text.startsWith('signed ') ? (JSON.parse(text.slice(7)) as Head) : null),
    hash: async (content) => hashOf(content),
    now: () => now,
    random: () => sources.random(),
    sleep,
    defer: () => undefined,
    report: (_, what) => reports.push(what),
  }
  /** Moves the clock, waking sleepers at their moments in order. */
  const pass = async (ms: number) => {
    const end = now + ms
    for (;;) {
      await drained()
      const at = sleepers.reduce((first, sleeper) => Math.min(first, sleeper.at), Infinity)
      if (at > end) break
      const due = sleepers.filter((sleeper) => sleeper.at === at)
      sleepers = sleepers.filter((sleeper) => sleeper.at !== at)
      now = at
      for (const { wake } of due) wake()
    }
    now = end
    await drained()
  }
  return { ports, sources, shelf, reads, reports, sleep, pass, now: () => now }
}

/** Every promise that can settle without the clock has settled: all here are made within the turn. */
async function drained() {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve()
}

/** Mulberry32: the same numbers for the same seed. */
export function makeRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A view that holds 1.1, confirmed just now. */
export async function warm(made = make(1, 1), shelf: Shelf = new Map()) {
  const world = makeViewWorld(shelf)
  const view = makeView(environment, world.now())
  world.sources.hub = async () => answerOf(made, world.now())
  await freshen(view, world.ports)
  world.reads.hub = 0
  return { ...world, view }
}

/** One exact question, for which nobody is in a hurry. */
export async function askAgain(view: View, ports: ViewPorts): Promise<void> {
  await recheck(view, { isEager: false, untilMs: ports.now() + confirmDeadlineMs.old }, ports)
}
