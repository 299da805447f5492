/** What it takes to make a project what it is wanted to be. Pure. */
import {
  isSame,
  isSameFlagDefinition,
  isSameSegmentState,
  type Content,
  type FlagContent,
  type Kind,
  type LayerContent,
  type SegmentContent,
} from './content.ts'

export type Action = 'create' | 'restore' | 'update' | 'archive'

interface Changed<K extends Kind, T> {
  readonly kind: K
  readonly key: string
  readonly action: Action
  /** As it is there; null if it is not, not even archived. */
  readonly before: T | null
  /** As it is to be; the same as before if it is to be archived. */
  readonly after: T
  readonly isRedefined: boolean
  /** The environments whose state changes. */
  readonly restated: readonly string[]
}

export type FlagChange = Changed<'flag', FlagContent>
export type SegmentChange = Changed<'segment', SegmentContent>
export type LayerChange = Changed<'layer', LayerContent>
export type Change = FlagChange | SegmentChange | LayerChange

export interface Plan {
  readonly environments: readonly string[]
  /** The live environments that it is not for. What is restored comes back there too: switched off, if it is a flag. */
  readonly elsewhere: readonly string[]
  readonly changes: readonly Change[]
  /** What is there and not wanted, and is left alone. */
  readonly left: readonly { readonly kind: Kind; readonly key: string }[]
}

/** The changes from one content to another, in the order of kinds and keys. With `prune` what is not wanted goes. */
export function makePlan(
  present: Content,
  wanted: Content,
  { prune, elsewhere }: { readonly prune: boolean; readonly elsewhere: readonly string[] },
): Plan {
  const unwanted = [
    ...unnamed('layer', present.layers, wanted.layers),
    ...unnamed('segment', present.segments, wanted.segments),
    ...unnamed('flag', present.flags, wanted.flags),
  ]
  const changes: readonly (Change | null)[] = [
    ...[...wanted.layers].map(([key, after]) => layerChange(key, present.layers.get(key), after)),
    ...[...wanted.segments].map(([key, after]) => segmentChange(key, present.segments.get(key), after)),
    ...[...wanted.flags].map(([key, after]) => flagChange(key, present.flags.get(key), after)),
    ...(prune ? unwanted : []),
  ]
  return {
    environments: wanted.environments,
    elsewhere,
    changes: changes.filter((change) => change !== null),
    left: prune ? [] : unwanted.map(({ kind, key }) => ({ kind, key })),
  }
}

function layerChange(key: string, before: LayerContent | undefined, after: LayerContent): LayerChange | null {
  const isRedefined = !before || !isSame(before.definition, after.definition)
  return changeOf({ kind: 'layer', key, before, after, isRedefined, restated: [] })
}

function segmentChange(
  key: string,
  before: SegmentContent | undefined,
  after: SegmentContent,
): SegmentChange | null {
  const isRedefined = !before || !isSame(before.definition, after.definition)
  const restated = statesThatDiffer(before, after, isSameSegmentState)
  return changeOf({ kind: 'segment', key, before, after, isRedefined, restated })
}

function flagChange(key: string, before: FlagContent | undefined, after: FlagContent): FlagChange | null {
  const isRedefined = !before || !isSameFlagDefinition(before.definition, after.definition)
  const restated = statesThatDiffer(before, after, isSame)
  return changeOf({ kind: 'flag', key, before, after, isRedefined, restated })
}

interface Compared<K extends Kind, T> extends Omit<Changed<K, T>, 'action' | 'before'> {
  readonly before: T | undefined
}

function changeOf<K extends Kind, T extends { readonly archived: boolean }>(
  compared: Compared<K, T>,
): Changed<K, T> | null {
  const { before, isRedefined, restated } = compared
  const action = !before ? 'create' : before.archived ? 'restore' : 'update'
  if (action === 'update' && !isRedefined && restated.length === 0) return null
  return { ...compared, before: before ?? null, action }
}

function statesThatDiffer<State>(
  before: { readonly states: ReadonlyMap<string, State> } | undefined,
  after: { readonly states: ReadonlyMap<string, State> },
  isEqual: (a: State, b: State) => boolean,
): string[] {
  return [...after.states].flatMap(([environment, state]) => {
    const old = before?.states.get(environment)
    return old && isEqual(old, state) ? [] : [environment]
  })
}

function unnamed<K extends Kind, T extends { readonly archived: boolean }>(
  kind: K,
  present: ReadonlyMap<string, T>,
  wanted: ReadonlyMap<string, T>,
): Changed<K, T>[] {
  return [...present]
    .filter(([key, { archived }]) => !archived && !wanted.has(key))
    .map(([key, thing]) => ({
      kind,
      key,
      action: 'archive',
      before: thing,
      after: thing,
      isRedefined: false,
      restated: [],
    }))
}
