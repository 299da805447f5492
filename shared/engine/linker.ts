/** Compiles the lines of flags and segments when they are first needed, with all that they refer to. */
import { compileFlag, failedFlag, type CompiledFlag } from './flag.ts'
import { link, referenceDepthMax, type Graph, type LinkProblem } from './link.ts'
import { jsonOf } from './lines.ts'
import { compileSegment, failedSegment, type CompiledSegment } from './segment.ts'
import type { FlagEntry, SegmentEntry, World } from './world.ts'

const problems: Readonly<Record<LinkProblem, string>> = {
  cycle: 'what it refers to leads back to it',
  depth: `what it refers to is more than ${referenceDepthMax} deep`,
}

/** The flag of an entry that was not compiled yet. */
export function linkFlag(world: World, entry: FlagEntry): CompiledFlag {
  const flag = compileFlagEntry(world, entry)
  // Most refer to nothing: the line is all there is to know.
  if (flag.reach.references.length === 0) return (entry.compiled = flag)
  linkFrom(world, entry)
  return entry.compiled ?? flag
}

/** The segment of an entry that was not compiled yet. */
export function linkSegment(world: World, entry: SegmentEntry): CompiledSegment {
  linkFrom(world, entry)
  return entry.compiled ?? compileSegmentEntry(world, entry)
}

/** Compiles an entry and all that it reaches. An entry is `compiled` once it is known to be on no cycle. */
function linkFrom(world: World, root: FlagEntry | SegmentEntry): void {
  const flags = new Map<FlagEntry, CompiledFlag>()
  const segments = new Map<SegmentEntry, CompiledSegment>()
  const graph: Graph<FlagEntry | SegmentEntry> = {
    heightOf: (entry) => entry.compiled?.height ?? null,
    referencesOf: (entry) => {
      const compiled =
        entry.kind === 'flag' ? compileFlagEntry(world, entry) : compileSegmentEntry(world, entry)
      if (entry.kind === 'flag') flags.set(entry, compiled as CompiledFlag)
      else segments.set(entry, compiled as CompiledSegment)
      return compiled.reach.references
    },
    settle: (entry, height, problem) => {
      if (entry.kind === 'flag') settleFlag(entry, flags.get(entry), problem)
      else settleSegment(entry, segments.get(entry), problem)
      if (entry.compiled) entry.compiled.height = height
    },
  }
  link(root, graph)
}

function settleFlag(entry: FlagEntry, flag: CompiledFlag | undefined, problem: LinkProblem | null): void {
  if (!flag) return
  entry.compiled = problem === null ? flag : failedFlag(entry.key, flag.clientVisible, problems[problem])
}

function settleSegment(
  entry: SegmentEntry,
  segment: CompiledSegment | undefined,
  problem: LinkProblem | null,
): void {
  if (!segment) return
  entry.compiled = problem === null ? segment : failedSegment(entry.key, problems[problem])
}

function compileFlagEntry(world: World, entry: FlagEntry): CompiledFlag {
  return compileFlag(entry.key, lineJson(entry), world)
}

function compileSegmentEntry(world: World, entry: SegmentEntry): CompiledSegment {
  return compileSegment(entry.key, lineJson(entry), world)
}

/** Nobody can say which of several lines of a key holds. */
function lineJson({ kind, key, line, isRepeated }: FlagEntry | SegmentEntry): string {
  return isRepeated ? '' : jsonOf(kind, key, line)
}
