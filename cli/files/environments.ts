/** Two environments of a project beside each other. */
import { describeFlagChange, describeSegmentChange } from '@halyard/shared/words/describe-change.ts'
import { flagReferences, segmentReferences } from '@halyard/shared/checks/references.ts'
import { usageError } from '../command-error.ts'
import { isSame, isSameSegmentState, type Content, type FlagContent, type SegmentContent } from './content.ts'

/** What is other in the second environment, in words. */
export interface Difference {
  readonly kind: 'flag' | 'segment'
  readonly key: string
  readonly lines: readonly string[]
}

const hidden = 'the ids of rules, or the seeds of samples'

/** The live flags and segments whose states differ, or those flags of them that are named. */
export function differences(
  content: Content,
  [from, to]: readonly [string, string],
  keys: readonly string[] | undefined,
): Difference[] {
  const flags = chosenFlags(content, keys).flatMap(([key, { definition, states }]): Difference[] => {
    const [old, now] = [states.get(from), states.get(to)]
    if (!old || !now || isSame(old, now)) return []
    const lines = describeFlagChange({ ...definition, state: old }, { ...definition, state: now })
    return [{ kind: 'flag', key, lines: lines.length > 0 ? lines : [hidden] }]
  })
  if (keys) return flags
  const segments = liveOf(content.segments).flatMap(([key, { states }]): Difference[] => {
    const [old, now] = [states.get(from), states.get(to)]
    if (!old || !now || isSame(old, now)) return []
    return [{ kind: 'segment', key, lines: describeSegmentChange(old, now) }]
  })
  return [...flags, ...segments]
}

/** What the second environment is to be like the first: the chosen flags, and the segments if they are to come along. */
export function promoted(
  content: Content,
  [from, to]: readonly [string, string],
  { keys, withSegments }: { readonly keys: readonly string[] | undefined; readonly withSegments: boolean },
): Content {
  const flags = chosenFlags(content, keys).map(([key, flag]): [string, FlagContent] => [
    key,
    like(flag, from, to),
  ])
  const used = usedSegments(content, flags, from)
  const segments = used.map(([key, segment]): [string, SegmentContent] => [key, like(segment, from, to)])
  return {
    environments: [to],
    flags: new Map(flags),
    segments: new Map(withSegments ? segments : []),
    layers: new Map(),
  }
}

/** Segments that the promoted flags use, and that hold other contexts where these come to be. */
export function differingSegments(
  content: Content,
  wanted: Content,
  [from, to]: readonly [string, string],
): { readonly states: readonly string[]; readonly lists: readonly string[] } {
  const used = usedSegments(content, [...wanted.flags], to)
  const pairs = used.flatMap(([key, { states }]) => {
    const [old, now] = [states.get(from), states.get(to)]
    return old && now ? [{ key, old, now }] : []
  })
  return {
    states: pairs.filter(({ old, now }) => !isSameSegmentState(old, now)).map(({ key }) => key),
    lists: pairs.filter(({ old, now }) => !isSame(old.members, now.members)).map(({ key }) => key),
  }
}

/** Of a content of several environments what it has in one. */
export function within(content: Content, environment: string): Content {
  const only = <S, T extends { readonly states: ReadonlyMap<string, S> }>(things: ReadonlyMap<string, T>) =>
    new Map([...things].map(([key, thing]) => [key, { ...thing, states: one(thing.states, environment) }]))
  return {
    ...content,
    environments: [environment],
    flags: only(content.flags),
    segments: only(content.segments),
  }
}

function like<S, T extends { readonly states: ReadonlyMap<string, S> }>(
  thing: T,
  from: string,
  to: string,
): T {
  const state = thing.states.get(from)
  return { ...thing, states: new Map(state === undefined ? [] : [[to, state]]) }
}

function one<S>(states: ReadonlyMap<string, S>, environment: string): ReadonlyMap<string, S> {
  const state = states.get(environment)
  return new Map(state === undefined ? [] : [[environment, state]])
}

function liveOf<T extends { readonly archived: boolean }>(things: ReadonlyMap<string, T>): [string, T][] {
  return [...things].filter(([, { archived }]) => !archived)
}

function chosenFlags({ flags }: Content, keys: readonly string[] | undefined): [string, FlagContent][] {
  const live = liveOf(flags)
  const unknown = keys?.find((key) => !live.some(([name]) => name === key))
  if (unknown !== undefined) throw usageError(`there is no flag "${unknown}", or it is archived`)
  return keys ? live.filter(([key]) => keys.includes(key)) : live
}

/** Those that the flags name, and those that these name. */
function usedSegments(
  { segments }: Content,
  flags: readonly (readonly [string, FlagContent])[],
  environment: string,
): [string, SegmentContent][] {
  const names = flags.flatMap(([, { states }]) =>
    [...states.values()].flatMap((state) => segmentsIn(flagReferences(state))),
  )
  const found = new Set<string>(names)
  // A Set takes in what is added while it is walked.
  for (const name of found) {
    const state = segments.get(name)?.states.get(environment)
    if (state) for (const inner of segmentsIn(segmentReferences(state))) found.add(inner)
  }
  return liveOf(segments).filter(([key]) => found.has(key))
}

function segmentsIn(references: ReturnType<typeof flagReferences>): string[] {
  return references.filter(({ kind }) => kind === 'segment').map(({ key }) => key)
}
