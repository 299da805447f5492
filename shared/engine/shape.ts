/**
 * Readers for the JSON of a line, which may be anything. They throw a SyntaxError, which `compileFlag` turns into the
 * flag's PARSE_ERROR. A member that a reader does not know is refused, because it may change what the others mean.
 */
import { parseSeed, type Seed } from './bucketing.ts'
import { bucketCount } from './model.ts'
import { parseMoment } from './operators/moment.ts'

export interface Shape {
  readonly [name: string]: unknown
}

export function refuse(problem: string): never {
  throw new SyntaxError(problem)
}

export function isShape(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** An object that has no members but these. */
export function readShape(value: unknown, what: string, members: ReadonlySet<string>): Shape {
  if (!isShape(value)) refuse(`${what} is not an object`)
  // A parser made it, so that all names are its own: a list of them would be garbage.
  for (const name in value) {
    if (!members.has(name)) refuse(`${what} has an unknown member "${name}"`)
  }
  return value
}

/** A list of at most `max` items. */
export function readList(value: unknown, what: string, max = Infinity): readonly unknown[] {
  if (!Array.isArray(value)) refuse(`${what} is not a list`)
  return value.length <= max ? value : refuse(`${what} has more than ${max} items`)
}

export function readText(value: unknown, what: string): string {
  return typeof value === 'string' ? value : refuse(`${what} is not a text`)
}

export function readBoolean(value: unknown, what: string): boolean {
  return typeof value === 'boolean' ? value : refuse(`${what} is neither true nor false`)
}

export function readNumber(value: unknown, what: string): number {
  return typeof value === 'number' ? value : refuse(`${what} is not a number`)
}

export function readScalar(value: unknown, what: string): string | number | boolean {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return refuse(`${what} is not a text, a number, true or false`)
}

/** A moment, in epoch milliseconds. */
export function readMoment(value: unknown, what: string): number {
  return parseMoment(value) ?? refuse(`${what} is neither an RFC 3339 text nor epoch milliseconds`)
}

/** A number of buckets, or the first of a range. */
export function readBuckets(value: unknown, what: string): number {
  const buckets = readNumber(value, what)
  if (Number.isInteger(buckets) && buckets >= 0 && buckets <= bucketCount) return buckets
  return refuse(`${what} is no whole number up to ${bucketCount}`)
}

/** 64 bits, written as 16 hex digits. */
export function readSeed(value: unknown, what: string): Seed {
  return parseSeed(readText(value, what)) ?? refuse(`${what} is not 16 hex digits`)
}
