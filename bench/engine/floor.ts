/**
 * What the engine is measured against: the least that gives the right values. One closure a flag, made when the text
 * is read, that reads the context directly and gives the bare value: no reasons, variants, errors or paths.
 */
import { bucketOfHash, hashOf, parseSeed } from '@halyard/shared/engine/bucketing.ts'
import { seedOf } from './flags.ts'
import type { PlainContext, PlainDocument, PlainFlag, PlainTest } from './plain-document.ts'
import { valuesOf, type Product } from './product.ts'

type Decide = (context: PlainContext) => boolean

type Segments = ReadonlyMap<string, Decide>

export const floor: Product = {
  write: (document) => JSON.stringify(document),
  load: (text) => {
    const document: PlainDocument = JSON.parse(text)
    const floor = makeFloor(document)
    const keys = [...floor.keys()]
    return {
      forContext: (context) => ({
        one: (key) => floor.get(key)?.(context),
        all: () => decideAll(floor, context),
        value: (key) => floor.get(key)?.(context) === true,
        values: () => valuesOf(keys.map((key) => [key, floor.get(key)?.(context)])),
      }),
    }
  },
}

/** Packs a version of three numbers, each below 1,024, into an integer that compares as they do. */
export function packVersion(version: string): number {
  let packed = 0
  let part = 0
  for (let i = 0; i < version.length; i++) {
    const code = version.charCodeAt(i)
    if (code === dot) {
      packed = (packed + part) << partBits
      part = 0
    } else part = part * 10 + code - digitZero
  }
  return packed + part
}

const dot = 46
const digitZero = 48
const partBits = 10
/** A context's version is packed once for all its rules. */
const packedCache = { version: '', packed: 0 }
const no: Decide = () => false
const yes: Decide = () => true

function makeFloor({ flags, segments }: PlainDocument): ReadonlyMap<string, Decide> {
  const none: Segments = new Map()
  const made: Segments = new Map(
    segments.map(({ key, ids, tests }) => {
      const members = new Set(ids)
      const isMember: Decide = (context) => members.has(context.targetingKey)
      return [key, ids.length > 0 ? isMember : makeAll(tests, none)]
    }),
  )
  return new Map(flags.map((flag, i) => [flag.key, makeFlag(flag, made, i)]))
}

function decideAll(floor: ReadonlyMap<string, Decide>, context: PlainContext): boolean[] {
  const values: boolean[] = []
  for (const decide of floor.values()) values.push(decide(context))
  return values
}

function makeFlag(
  { isEnabled, testers, rules, percent }: PlainFlag,
  segments: Segments,
  index: number,
): Decide {
  if (!isEnabled) return no
  const made = rules.map((rule) => ({
    test: makeAll(rule.tests, segments),
    serve: makeShare(rule.percent, index),
  }))
  const fallthrough = makeShare(percent, index)
  const members = new Set(testers)
  if (testers.length === 0 && made.length === 0) return fallthrough
  return (context) => {
    if (members.has(context.targetingKey)) return true
    for (const rule of made) if (rule.test(context)) return rule.serve(context)
    return fallthrough(context)
  }
}

function makeShare(percent: number, index: number): Decide {
  if (percent === 0) return no
  if (percent === 100) return yes
  const seed = parseSeed(seedOf(index)) ?? { high: 0, low: 0 }
  const end = percent * 1_000
  return (context) => bucketOfHash(hashOf(context.targetingKey), seed) < end
}

function makeAll(tests: readonly PlainTest[], segments: Segments): Decide {
  const parts = tests.map((test) => makeTest(test, segments))
  return (context) => {
    for (const part of parts) if (!part(context)) return false
    return true
  }
}

function makeTest(test: PlainTest, segments: Segments): Decide {
  switch (test.kind) {
    case 'in':
    case 'notIn': {
      const members = new Set(test.values)
      const isWanted = test.kind === 'in'
      return (context) => members.has(context[test.attribute]) === isWanted
    }
    case 'startsWith':
      return (context) => context[test.attribute].startsWith(test.value)
    case 'endsWith':
      return (context) => context[test.attribute].endsWith(test.value)
    case 'above':
      return (context) => context.visits > test.value
    case 'versionAtLeast': {
      const least = packVersion(test.value)
      return (context) => packOnce(context.appVersion) >= least
    }
    case 'segment':
      return segments.get(test.segment) ?? no
  }
  return test satisfies never
}

function packOnce(version: string): number {
  if (packedCache.version !== version) {
    packedCache.version = version
    packedCache.packed = packVersion(version)
  }
  return packedCache.packed
}
