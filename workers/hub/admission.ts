/** How much may come at once: a bucket of tokens that fills by the second. */
export interface Bucket {
  /** A second. */
  readonly rate: number
  readonly burst: number
  level: number
  /** What was turned away and will be back, as far as it is not worked off. */
  waiting: number
  at: number
}

/** Those who are turned away come back over at least so many seconds. */
const spreadMinSec = 5
const spreadMaxSec = 30

export function makeBucket(rate: number, burst: number, now: number): Bucket {
  return { rate, burst, level: burst, waiting: 0, at: now }
}

/** Takes so much if the bucket holds it. More than a whole bucket is had from a full one, and owed. */
export function takeFrom(bucket: Bucket, amount: number, now: number): boolean {
  const gained = (Math.max(0, now - bucket.at) / 1000) * bucket.rate
  bucket.at = now
  bucket.level = Math.min(bucket.burst, bucket.level + gained)
  bucket.waiting = Math.max(0, bucket.waiting - gained)
  if (bucket.level < Math.min(amount, bucket.burst)) {
    bucket.waiting += amount
    return false
  }
  bucket.level -= amount
  return true
}

/** Whole seconds to wait, spread by `random` (0 to 1) over as long as those who wait will take. */
export function spreadSec(bucket: Bucket, random: number): number {
  const spread = Math.min(spreadMaxSec, spreadMinSec + Math.ceil(bucket.waiting / bucket.rate))
  return 1 + Math.floor(random * spread)
}
