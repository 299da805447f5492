import { hashAttribute, readAttribute, type Attribute, type Run } from './attribute.ts'
import { blobHolds, type Blob } from './blob.ts'
import { compileCondition, type CompiledCondition } from './condition.ts'
import { readList, readNumber, readShape, readText, refuse } from './shape.ts'
import { makeTimes } from './times.ts'
import { readAt, type Fault, type Membership, type Reach, type Scope, type World } from './world.ts'

export interface CompiledSegment {
  readonly kind: 'segment'
  /** Null if the line cannot be read: `fault` says why. */
  readonly rules: SegmentRules | null
  readonly fault: Fault | null
  readonly reach: Reach
  /** How many references lie one below the other from here. */
  height: number
}

export interface SegmentRules {
  readonly attribute: Attribute
  /** Null if nobody is. */
  readonly include: ReadonlySet<string> | null
  readonly exclude: ReadonlySet<string> | null
  readonly members: Members | null
  readonly when: CompiledCondition | null
}

interface Members {
  readonly hash: string
  readonly added: ReadonlySet<string>
  readonly removed: ReadonlySet<string>
  /** Where the snapshot's blobs are, and this one once it was found. */
  readonly blobs: World['blobs']
  blob: Blob | null
  readonly absent: Membership
}

const idsMax = 10_000
const amendmentsMax = 1_000
const segmentMembers = new Set(['attribute', 'include', 'exclude', 'when', 'members'])
const membersMembers = new Set(['hash', 'count', 'added', 'removed'])
const hashForm = /^[0-9a-f]{64}$/

const outcome = (matched: boolean, because: Membership['because']): Membership =>
  Object.freeze({ matched, because, fault: null })
const excluded = outcome(false, 'excluded')
const included = outcome(true, 'included')
const member = outcome(true, 'member')
const inTree = outcome(true, 'tree')
const none = outcome(false, 'none')

/** Compiles the JSON of a segment's line. Never throws: what cannot be read is a fault of all that ask. */
export function compileSegment(key: string, json: string, world: World): CompiledSegment {
  const reach: Reach = { attributes: [], times: makeTimes(), references: [] }
  try {
    const rules = compile(key, JSON.parse(json), { world, reach })
    return { kind: 'segment', rules, fault: null, reach, height: 1 }
  } catch (error) {
    return failedSegment(key, error instanceof Error ? error.message : 'unreadable')
  }
}

/** A segment that nobody can decide. */
export function failedSegment(key: string, problem: string): CompiledSegment {
  const fault: Fault = { code: 'PARSE_ERROR', details: `the segment "${key}" cannot be read: ${problem}` }
  const reach: Reach = { attributes: [], times: makeTimes(), references: [] }
  return { kind: 'segment', rules: null, fault, reach, height: 1 }
}

/** Whether the run's context belongs to a segment: `exclude` beats `include` and members, which beat the tree. */
export function testSegment({ rules, fault }: CompiledSegment, run: Run): Membership {
  if (rules === null) return { matched: false, because: 'fault', fault }
  const id = idOf(readAttribute(rules.attribute, run))
  if (id !== undefined) {
    if (rules.exclude !== null && rules.exclude.has(id)) return excluded
    if (rules.include !== null && rules.include.has(id)) return included
    const found = rules.members === null ? none : testMembers(rules, rules.members, id, run)
    if (found !== none) return found
  }
  return rules.when === null ? none : testTree(rules.when, run)
}

function testTree(when: CompiledCondition, run: Run): Membership {
  const matched = when.test(run)
  if (run.fault !== null) return { matched: false, because: 'fault', fault: run.fault }
  return matched ? inTree : none
}

function testMembers({ attribute }: SegmentRules, members: Members, id: string, run: Run): Membership {
  if (members.added.has(id)) return member
  if (members.removed.has(id)) return none
  const blob = (members.blob ??= members.blobs.get(members.hash) ?? null)
  if (blob === null) return members.absent
  hashAttribute(attribute, run)
  return blobHolds(blob, id, attribute.hash >>> 0) ? member : none
}

/** Ids compare as bucketing values do. */
function idOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? value : value.toWellFormed()
  return typeof value === 'number' ? String(value) : undefined
}

function compile(key: string, raw: unknown, scope: Scope): SegmentRules {
  const segment = readShape(raw, 'a segment', segmentMembers)
  const { when, members } = segment
  return {
    attribute: readAt(scope, readText(segment['attribute'], 'the attribute of a segment')),
    include: orNull(readIds(segment['include'], '"include"', idsMax)),
    exclude: orNull(readIds(segment['exclude'], '"exclude"', idsMax)),
    members: members === undefined ? null : compileMembers(key, members, scope.world.blobs),
    when: when === undefined ? null : compileCondition(when, scope),
  }
}

function compileMembers(key: string, raw: unknown, blobs: World['blobs']): Members {
  const members = readShape(raw, '"members"', membersMembers)
  const hash = readText(members['hash'], 'the hash of the members')
  if (!hashForm.test(hash)) refuse('the hash of the members is not 64 hex digits')
  readNumber(members['count'], 'the count of the members')
  const fault: Fault = { code: 'GENERAL', details: `the members of the segment "${key}" are not at hand` }
  return {
    hash,
    added: readIds(members['added'], '"added"', amendmentsMax),
    removed: readIds(members['removed'], '"removed"', amendmentsMax),
    blobs,
    blob: null,
    absent: Object.freeze({ matched: false, because: 'fault', fault }),
  }
}

function readIds(raw: unknown, what: string, max: number): ReadonlySet<string> {
  return new Set(readList(raw, what, max).map((id) => readText(id, `an id of ${what}`).toWellFormed()))
}

function orNull(ids: ReadonlySet<string>): ReadonlySet<string> | null {
  return ids.size > 0 ? ids : null
}
