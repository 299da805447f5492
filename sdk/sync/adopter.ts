/**
 * Takes the copies of a reader into use as snapshots, with the lists of the large segments that they name: those are
 * fetched, checked by their hashes, and kept from version to version. A version waits for lists that are not there yet,
 * but not long; then it is used without them, and given them when they come. The first version waits for nothing that may
 * not come: one that was kept not for the edge, and one of the edge not for what the edge has refused. Without I/O of its
 * own.
 */
import type { LoadOptions } from '@halyard/shared/engine/snapshot.ts'
import { addBlob, loadSnapshot, type Snapshot } from '@halyard/shared/engine/snapshot.ts'
import { namedBlobs, type NamedBlob } from '@halyard/shared/protocol/named-blobs.ts'
import { makeBackOff } from './back-off.ts'
import type { Copy } from './replica.ts'

export interface Adopted {
  readonly copy: Copy
  readonly snapshot: Snapshot
}

export interface AdopterPorts extends LoadOptions {
  /** Null if it is not kept. May reject. */
  readonly loadBlob: (hash: string) => Promise<Uint8Array | null>
  /** Rejects if it cannot be had. */
  readonly fetchBlob: (hash: string, bytesMax: number) => Promise<Uint8Array>
  /** One that was fetched and is sound. */
  readonly fetched: (hash: string, bytes: Uint8Array) => void
  readonly hashBytes: (bytes: Uint8Array) => Promise<string>
  /** A version was taken into use. */
  readonly adopted: (adopted: Adopted) => void
  /** The version in use was given a list that it lacked. */
  readonly completed: (adopted: Adopted, hash: string) => void
  readonly random: () => number
  readonly setTimer: (ms: number, run: () => void) => () => void
  readonly report: (what: string) => void
}

export interface Adopter {
  readonly offer: (copy: Copy) => void
  readonly close: () => void
}

interface State {
  readonly ports: AdopterPorts
  readonly blobs: Map<string, Uint8Array>
  /** The lists that are being looked for, where they are kept or at the edge. */
  readonly flights: Map<string, 'store' | 'edge'>
  waiting: Named<{ readonly copy: Copy }> | null
  current: Named<Adopted> | null
  cancelDeadline: (() => void) | null
  cancelRetry: (() => void) | null
}

type Named<T> = T & { readonly names: readonly NamedBlob[] }

const patienceMs = 3_000
const keptPatienceMs = 1_000
const retryMs = { first: 1_000, last: 60_000 }
const bytesEach = 8

export function makeAdopter(ports: AdopterPorts): Adopter {
  const backOff = makeBackOff(retryMs.first, retryMs.last, ports.random)
  const state: State = {
    ports,
    blobs: new Map(),
    flights: new Map(),
    waiting: null,
    current: null,
    cancelDeadline: null,
    cancelRetry: null,
  }
  let isClosed = false
  const getMissing = () => {
    for (const blob of missing(state)) if (!state.flights.has(blob.hash)) void get(blob)
  }
  const get = async (blob: NamedBlob) => {
    state.flights.set(blob.hash, 'store')
    let bytes = await loadKept(ports, blob)
    if (bytes === null && !isClosed) {
      state.flights.set(blob.hash, 'edge')
      adoptIfFirst(state)
      bytes = await fetchSound(ports, blob)
    }
    state.flights.delete(blob.hash)
    if (isClosed) return
    if (bytes) {
      backOff.reset()
      take(state, blob.hash, bytes)
    } else {
      adoptIfFirst(state)
      state.cancelRetry ??= ports.setTimer(backOff.next(), () => {
        state.cancelRetry = null
        getMissing()
      })
    }
  }
  return {
    offer: (copy) => {
      if (isClosed) return
      state.waiting = { copy, names: namedBlobs(copy.body) }
      if (adoptIfComplete(state)) return
      getMissing()
      state.cancelDeadline ??= ports.setTimer(patienceMs, () => adopt(state))
    },
    close: () => {
      isClosed = true
      state.cancelDeadline?.()
      state.cancelRetry?.()
    },
  }
}

function missing({ waiting, current, blobs }: State): readonly NamedBlob[] {
  const names = [...(waiting?.names ?? []), ...(current?.names ?? [])]
  return names.filter(({ hash }) => !blobs.has(hash))
}

/** Null: it is not kept, or cannot be had within a second. Never rejects. */
async function loadKept(ports: AdopterPorts, { hash }: NamedBlob): Promise<Uint8Array | null> {
  try {
    const kept = await new Promise<Uint8Array | null>((resolve, reject) => {
      const cancel = ports.setTimer(keptPatienceMs, () => reject(new Error('there was no answer in time')))
      void ports.loadBlob(hash).then(resolve, reject).finally(cancel)
    })
    if (kept && (await ports.hashBytes(kept)) === hash) return kept
  } catch (cause) {
    // The edge has it.
    ports.report(`a kept list of a segment cannot be read: ${String(cause)}`)
  }
  return null
}

/** Null: it cannot be had just now. Never rejects. */
async function fetchSound(ports: AdopterPorts, { hash, count }: NamedBlob): Promise<Uint8Array | null> {
  try {
    const bytes = await ports.fetchBlob(hash, count * bytesEach)
    if ((await ports.hashBytes(bytes)) !== hash) throw new Error('it has another hash than its name')
    ports.fetched(hash, bytes)
    return bytes
  } catch (cause) {
    // It is tried again.
    ports.report(`the list ${hash} of a segment cannot be had: ${String(cause)}`)
    return null
  }
}

function take(state: State, hash: string, bytes: Uint8Array): void {
  const { current, waiting, blobs, ports } = state
  const isNamed = (of: Named<object> | null) => of?.names.some((blob) => blob.hash === hash) === true
  if (!isNamed(current) && !isNamed(waiting)) return
  blobs.set(hash, bytes)
  if (current && isNamed(current) && addBlob(current.snapshot, hash, bytes)) ports.completed(current, hash)
  adoptIfComplete(state)
}

function adoptIfComplete(state: State): boolean {
  const { waiting, blobs } = state
  if (waiting === null || !waiting.names.every(({ hash }) => blobs.has(hash))) return false
  adopt(state)
  return true
}

/** Where nothing is in use, a flag without its list does less harm than all flags without a version. */
function adoptIfFirst(state: State): void {
  const { waiting, current, flights, blobs } = state
  if (waiting === null || current !== null) return
  const { origin } = waiting.copy
  const isKept = origin === 'store' || origin === 'bootstrap'
  const isHoped = ({ hash }: NamedBlob) => {
    const place = flights.get(hash)
    return !blobs.has(hash) && (place === 'store' || (place === 'edge' && !isKept))
  }
  if (!waiting.names.some(isHoped)) adopt(state)
}

/** What was in use is left with its lists: a request may still hold it. */
function adopt(state: State): void {
  const { waiting, blobs, ports } = state
  state.cancelDeadline?.()
  state.cancelDeadline = null
  if (waiting === null) return
  const snapshot = loadSnapshot(waiting.copy.body, ports)
  const named = new Set(waiting.names.map(({ hash }) => hash))
  for (const [hash, bytes] of blobs) {
    if (named.has(hash)) addBlob(snapshot, hash, bytes)
    else blobs.delete(hash)
  }
  state.waiting = null
  state.current = { ...waiting, snapshot }
  ports.adopted(state.current)
}
