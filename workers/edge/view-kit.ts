/** A world for a view: a clock that stands still until it is moved, and sources that answer when and what they are told. */
import type { Head } from '@halyard/shared/protocol/head.ts'
import type { ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import { makeView, type BlobBytes, type KvValue, type ViewPorts } from './view-state.ts'
import { freshen } from './view.ts'

export const environment = 'env_1'

/** A stand-in for SHA-256 that answers within the turn; the tests of the routes use the real one. */
export const hashOf = (content: string | BlobBytes) => `hash of ${content.toString()}`

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

export function kvValueOf(made: Made, kind: 'snapshot' | 'access', confirmedAt: number): KvValue {
  return { signedHead: signed(made), confirmedAt, content: kind === 'snapshot' ? made.body : made.access }
}

export function makeViewWorld() {
  let now = 1_000_000
  let sleepers: { readonly at: number; readonly wake: () => void }[] = []
  const reports: string[] = []
  const sources = {
    hub: async (): Promise<ReadAnswer | null> => await Promise.reject(new Error('no hub')),
    kv: async (_kind: 'snapshot' | 'access'): Promise<KvValue | null> => null,
    hubBlob: async (_hash: string): Promise<BlobBytes | null> => await Promise.reject(new Error('no hub')),
    kvBlob: async (_hash: string): Promise<BlobBytes | null> => null,
  }
  const reads = { hub: 0, kv: 0, hubBlob: 0, kvBlob: 0 }
  const sleep = (ms: number) => new Promise<void>((wake) => sleepers.push({ at: now + ms, wake }))
  const ports: ViewPorts = {
    readHub: () => ((reads.hub += 1), sources.hub()),
    readKv: (kind) => ((reads.kv += 1), sources.kv(kind)),
    readHubBlob: (_, hash) => ((reads.hubBlob += 1), sources.hubBlob(hash)),
    readKvBlob: (_, hash) => ((reads.kvBlob += 1), sources.kvBlob(hash)),
    verify: async (text) => (text.startsWith('signed ') ? (JSON.parse(text.slice(7)) as Head) : null),
    hash: async (content) => hashOf(content),
    now: () => now,
    sleep,
    defer: () => undefined,
    report: (_, what) => reports.push(what),
  }
  /** Moves the clock, waking sleepers at their moments in order. */
  const pass = async (ms: number) => {
    const end = now + ms
    for (;;) {
      await drained()
      const next = sleepers.toSorted((a, b) => a.at - b.at)[0]
      if (!next || next.at > end) break
      sleepers = sleepers.filter((sleeper) => sleeper !== next)
      now = next.at
      next.wake()
    }
    now = end
    await drained()
  }
  return { ports, sources, reads, reports, sleep, pass, now: () => now }
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
export async function warm(made = make(1, 1)) {
  const world = makeViewWorld()
  const view = makeView(environment, world.now())
  world.sources.hub = async () => answerOf(made, world.now())
  await freshen(view, world.ports)
  world.reads.hub = 0
  return { ...world, view }
}
