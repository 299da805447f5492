import { makeView, type View } from './view-state.ts'

/** The environments that this isolate holds. */
export interface ViewCache {
  readonly views: Map<string, View>
  readonly bytesMax: number
}

/** An isolate has 128 MB; copies and their blobs may take half of it. */
export const viewBytesMax = 64 * 1024 * 1024

/** A view without a copy, and for each byte of body: the text, and flags compiled from it. */
const emptyViewBytes = 1024
const bytesPerUnit = 4

export function makeViewCache(bytesMax: number = viewBytesMax): ViewCache {
  return { views: new Map(), bytesMax }
}

export function viewOf(cache: ViewCache, environment: string, now: number): View {
  const known = cache.views.get(environment)
  if (known) return known
  const view = makeView(environment, now)
  cache.views.set(environment, view)
  return view
}

/** Drops the views that were least recently used until the rest fits; `kept` is in use and stays. */
export function trim(cache: ViewCache, kept: View): void {
  let total = 0
  for (const view of cache.views.values()) total += bytesOf(view)
  if (total <= cache.bytesMax) return
  const oldestFirst = [...cache.views.values()].toSorted((a, b) => a.usedAt - b.usedAt)
  for (const view of oldestFirst) {
    if (total <= cache.bytesMax) return
    if (view === kept) continue
    cache.views.delete(view.environment)
    total -= bytesOf(view)
  }
}

/** An estimate of the memory that a view holds. */
export function bytesOf({ copy, access, blobs, steps }: View): number {
  let bytes = emptyViewBytes + bytesPerUnit * ((copy?.body.length ?? 0) + (access?.length ?? 0))
  for (const blob of blobs.values()) bytes += blob.byteLength
  for (const step of steps) bytes += step.bytes
  return bytes
}
