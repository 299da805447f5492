/** How many contexts a new way to serve gives another variant: exact, by the ranges of buckets. Pure. */
import { bucketCount, type Serve } from '@halyard/shared/engine/model.ts'
import { momentMs } from '@halyard/shared/contract/moment.ts'

/** Numbers of buckets. */
export interface Moved {
  /** Buckets whose variant changes. */
  readonly moved: number
  /** How many would have to, given what each variant gains: the rest move only because ranges shift. */
  readonly needed: number
}

/** The buckets from `from` up to, not including, `to`. */
interface Range {
  readonly variant: string
  readonly from: number
  readonly to: number
}

/** What changes between two ways to serve at a moment, if both bucket by the same attribute. */
export function movedBuckets(before: Serve, after: Serve, nowMs: number): Moved {
  const old = rangesOf(before, nowMs)
  const next = rangesOf(after, nowMs)
  const bounds = [...new Set([...old, ...next].map(({ to }) => to))].toSorted((a, b) => a - b)
  let moved = 0
  let from = 0
  for (const to of bounds) {
    if (variantAt(old, from) !== variantAt(next, from)) moved += to - from
    from = to
  }
  return { moved, needed: gains(sharesOf(old), sharesOf(next)) }
}

/** The same where both bucket by different attributes: what two independent draws give on average. */
export function redrawnBuckets(before: Serve, after: Serve, nowMs: number): number {
  const old = sharesOf(rangesOf(before, nowMs))
  const next = sharesOf(rangesOf(after, nowMs))
  const same = [...old].reduce((sum, [variant, share]) => sum + share * (next.get(variant) ?? 0), 0)
  return Math.round(bucketCount - same / bucketCount)
}

/** The buckets that a variant has at a moment. */
export function bucketsOf(serve: Serve, variant: string, nowMs: number): number {
  return sharesOf(rangesOf(serve, nowMs)).get(variant) ?? 0
}

/** What buckets it: null for one variant to all. */
export function bucketedBy(serve: Serve): string | null {
  if ('variant' in serve) return null
  return 'split' in serve ? serve.split.by : serve.ramp.by
}

/** Moments at which it changes of itself, in epoch milliseconds. */
export function stepTimes(serve: Serve): number[] {
  return 'ramp' in serve ? serve.ramp.steps.map(({ at }) => momentMs(at)) : []
}

/** In the order of buckets, as the engine lays them out: in a ramp `to` comes first. */
function rangesOf(serve: Serve, nowMs: number): Range[] {
  if ('variant' in serve) return layOut([[serve.variant, bucketCount]])
  if ('split' in serve) return layOut(serve.split.weights.map(({ variant, weight }) => [variant, weight]))
  const { from, to, steps } = serve.ramp
  const share = steps.findLast(({ at }) => momentMs(at) <= nowMs)?.share ?? 0
  return layOut([
    [to, share],
    [from, bucketCount - share],
  ])
}

function layOut(weights: readonly (readonly [string, number])[]): Range[] {
  let to = 0
  return weights.map(([variant, weight]) => {
    const from = to
    to += weight
    return { variant, from, to }
  })
}

function variantAt(ranges: readonly Range[], bucket: number): string | undefined {
  return ranges.find(({ to }) => bucket < to)?.variant
}

function sharesOf(ranges: readonly Range[]): ReadonlyMap<string, number> {
  const shares = new Map<string, number>()
  for (const { variant, from, to } of ranges) shares.set(variant, (shares.get(variant) ?? 0) + to - from)
  return shares
}

function gains(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>): number {
  return [...after].reduce(
    (sum, [variant, share]) => sum + Math.max(0, share - (before.get(variant) ?? 0)),
    0,
  )
}
