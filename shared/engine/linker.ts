/** Compiles the lines of flags and segments when they are first needed, with all that they refer to. */
import { compileFlag, failedFlag } from './compile-flag.ts'
import type { CompiledFlag } from './flag.ts'
import { link, referenceDepthMax, type Graph, type LinkProblem } from './link.ts'
import { jsonOf } from './lines.ts'
import { compileSegment, failedSegment, type CompiledSegment } from './segment.ts'
import type { FlagEntry, SegmentEntry, World } from './world.ts'

const problems: Readonly<Record<LinkProblem, string>> = {
  cycle: 'what it refers to leads back to it',
  depth: `what it refers to is more than ${referenceDepthMax} deep`,
}

const claimed = 'several lines claim the key'

/** The flag of an entry that was not compiled yet. */
export function linkFlag(world: World, entry: FlagEntry): CompiledFlag {
  const flag = compileFlagEntry(world, entry)
  // Most refer to nothing: the line is all there is to know.
  if (flag.reach.references.length === 0) entry.compiled = flag
  else linkFrom(world, entry, flag)
  return entry.compiled ?? flag
}

/** The segment of an entry that was not compiled yet. */
export function linkSegment(world: World, entry: SegmentEntry): CompiledSegment {
  const segment = compileSegmentEntry(world, entry)
  linkFrom(world, entry, segment)
  return entry.compiled ?? segment
}

/** Compiles all that an entry reaches. An entry is `compiled` once it is known to be on no cycle. */
function linkFrom(
  world: World,
  root: FlagEntry | SegmentEntry,
  compiledRoot: CompiledFlag | CompiledSegment,
): void {
  const drafts = new Map<FlagEntry | SegmentEntry, CompiledFlag | CompiledSegment>([[root, compiledRoot]])
  const graph: Graph<FlagEntry | SegmentEntry> = {
    heightOf: (entry) => entry.compiled?.height ?? null,
    referencesOf: (entry) => {
      const draft =
        drafts.get(entry) ??
        (entry.kind === 'flag' ? compileFlagEntry(world, entry) : compileSegmentEntry(world, entry))
      drafts.set(entry, draft)
      return draft.reach.references
    },
    settle: (entry, height, problem) => {
      const draft = drafts.get(entry)
      if (draft) settle(entry, draft, problem)
      if (entry.compiled) entry.compiled.height = height
    },
  }
  link(root, graph)
}

function settle(
  entry: FlagEntry | SegmentEntry,
  draft: CompiledFlag | CompiledSegment,
  problem: LinkProblem | null,
): void {
  if (entry.kind === 'segment' && draft.kind === 'segment') {
    entry.compiled = problem === null ? draft : failedSegment(entry.key, problems[problem])
  } else if (entry.kind === 'flag' && draft.kind !== 'segment') {
    entry.compiled = problem === null ? draft : failedFlag(entry.key, draft.clientVisible, problems[problem])
  }
}

function compileFlagEntry(world: World, { key, line, isRepeated }: FlagEntry): CompiledFlag {
  return isRepeated ? failedFlag(key, false, claimed) : compileFlag(key, jsonOf('flag', key, line), world)
}

function compileSegmentEntry(world: World, { key, line, isRepeated }: SegmentEntry): CompiledSegment {
  return isRepeated ? failedSegment(key, claimed) : compileSegment(key, jsonOf('segment', key, line), world)
}
