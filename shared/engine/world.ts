/** What flags and segments may reach in their snapshot, and what compiling one of them collects. */
import type { Answer } from './answer.ts'
import { attributeAt, type Attribute, type Attributes, type Run } from './attribute.ts'
import type { Blob } from './blob.ts'
import type { CompiledFlag } from './flag.ts'
import type { CompiledLayer } from './layer.ts'
import type { ErrorCode } from './model.ts'
import type { CompilePattern } from './operators/operators.ts'
import type { CompiledSegment } from './segment.ts'
import { refuse } from './shape.ts'
import type { Times } from './times.ts'

/** A line that is compiled when it is first used. */
export interface Entry<Compiled> {
  readonly key: string
  readonly line: string
  /** Several lines claim the key: which of them holds, nobody can say. */
  readonly isRepeated: boolean
  compiled: Compiled | null
}

export interface FlagEntry extends Entry<CompiledFlag> {
  readonly kind: 'flag'
  /** What the flag gave to those that refer to it, in the run of that id. */
  answer: Answer | null
  answerRunId: number
  /** Whether the moment can matter to the answer (`reach.ts`); null until somebody asks. */
  dependsOnTime: boolean | null
}

export interface SegmentEntry extends Entry<CompiledSegment> {
  readonly kind: 'segment'
  membership: Membership | null
  membershipRunId: number
}

/** Why a condition cannot be decided. One object for one cause, so that answers can be shared. */
export interface Fault {
  readonly code: ErrorCode
  readonly details: string
}

/** Whether a context belongs to a segment, and what decided. */
export interface Membership {
  readonly matched: boolean
  readonly because: 'excluded' | 'included' | 'member' | 'tree' | 'none' | 'fault'
  readonly fault: Fault | null
}

export interface World {
  readonly attributes: Attributes
  readonly compilePattern: CompilePattern | null
  /** By hash, those that were added. */
  readonly blobs: ReadonlyMap<string, Blob>
  readonly findFlag: (key: string) => FlagEntry | undefined
  readonly findSegment: (key: string) => SegmentEntry | undefined
  readonly findLayer: (key: string) => CompiledLayer | undefined
  /** The flag's answer in a run that another flag or segment began. */
  readonly decideFlag: (entry: FlagEntry, run: Run) => Answer
  readonly testSegment: (entry: SegmentEntry, run: Run) => Membership
}

/** What a flag or segment reads and refers to. */
export interface Reach {
  readonly attributes: Attribute[]
  readonly times: Times
  readonly references: (FlagEntry | SegmentEntry)[]
}

export interface Scope {
  readonly world: World
  readonly reach: Reach
}

/** The attribute of that path, noted as read. Its value is the context's: `$now` is for the leaves of time alone. */
export function readAt(scope: Scope, path: string): Attribute {
  const attribute = readClockOrAt(scope, path)
  return attribute.isClock ? refuse(`"${path}" is for operators of time`) : attribute
}

/** The attribute of that path, or the moment of the evaluation, noted as read. */
export function readClockOrAt({ world, reach }: Scope, path: string): Attribute {
  const attribute = attributeAt(world.attributes, path)
  reach.attributes.push(attribute)
  return attribute
}

/** The flag of that key, noted as referred to; undefined if there is none. */
export function referToFlag({ world, reach }: Scope, key: string): FlagEntry | undefined {
  const entry = world.findFlag(key)
  if (entry) reach.references.push(entry)
  return entry
}

/** The segment of that key, noted as referred to; undefined if there is none. */
export function referToSegment({ world, reach }: Scope, key: string): SegmentEntry | undefined {
  const entry = world.findSegment(key)
  if (entry) reach.references.push(entry)
  return entry
}
