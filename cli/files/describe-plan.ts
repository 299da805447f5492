/** A plan in words. */
import { firstState } from '@halyard/shared/checks/first-state.ts'
import { emptySegment } from '@halyard/shared/checks/segment-rules.ts'
import type { Json } from '@halyard/shared/engine/model.ts'
import {
  describeFlagChange,
  describeLayerChange,
  describeSegmentChange,
} from '@halyard/shared/words/describe-change.ts'
import { show } from '@halyard/shared/words/show.ts'
import { isSame, type FlagContent, type SegmentContent } from './content.ts'
import type { Change, FlagChange, LayerChange, SegmentChange } from './plan.ts'

/** Some lines, and the environments that they hold for; none: for the definition, which all have. */
export interface Part {
  readonly environments: readonly string[]
  readonly lines: readonly string[]
}

/** What becomes of one thing. Environments in which the same happens stand together. */
export function describeChange(change: Change): readonly Part[] {
  if (change.action === 'archive') return []
  switch (change.kind) {
    case 'flag':
      return describeFlag(change)
    case 'segment':
      return describeSegment(change)
    case 'layer':
      return describeLayer(change)
  }
  return change satisfies never
}

const flagFacts = [
  'description',
  'kind',
  'temporary',
  'expiresAt',
  'onExpiry',
  'tags',
  'owner',
  'schema',
  'name',
] as const

function describeFlag({ key, before, after, isRedefined, restated }: FlagChange): Part[] {
  const { definition } = after
  const old = before
    ? readable(before.definition)
    : { ...readable(definition), variants: [], clientVisible: false }
  const lines = [
    ...(before ? [] : [`type: ${definition.valueType}`]),
    ...describeFacts({ key, before: before?.definition, after: definition }, flagFacts),
    ...describeFlagChange(old, readable(definition)),
  ]
  const parts = byEnvironment(restated, (environment) => {
    const state = before?.states.get(environment)
    const told = describeFlagChange(
      { ...readable(definition), ...(state && { state }) },
      { ...readable(definition), ...stateIn(after.states, environment) },
    )
    if (told.length > 0) return told
    return state
      ? ['the ids of rules, or the seeds of samples: some may be bucketed otherwise']
      : ['switched off']
  })
  return toParts(isRedefined ? lines : [], parts)
}

/** Variants have no order that decides anything. */
function readable({ variants, clientVisible }: FlagContent['definition']) {
  const sorted = variants.toSorted((a, b) => (a.key < b.key ? -1 : 1))
  return { variants: sorted, clientVisible, state: firstState(variants) }
}

function stateIn<State>(states: ReadonlyMap<string, State>, environment: string): { state?: State } {
  const state = states.get(environment)
  return state ? { state } : {}
}

function describeSegment({ key, before, after, isRedefined, restated }: SegmentChange): Part[] {
  const facts = describeFacts({ key, before: before?.definition, after: after.definition }, [
    'description',
    'tags',
    'name',
  ])
  const parts = byEnvironment(restated, (environment) =>
    describeSegmentChange(membership(before, environment), membership(after, environment)),
  )
  return toParts(isRedefined ? facts : [], parts)
}

/** Without the uploaded list, which is not applied. */
function membership(content: SegmentContent | null, environment: string) {
  return { ...(content?.states.get(environment) ?? emptySegment), members: null }
}

function describeLayer({ key, before, after, isRedefined }: LayerChange): Part[] {
  if (!isRedefined) return []
  const { definition, seed } = after
  const old = before?.definition ?? { by: definition.by, slots: [] }
  const lines = [
    ...describeFacts({ key, before: before?.definition, after: definition }, ['description', 'name']),
    ...describeLayerChange({ ...old, seed }, { ...definition, seed }),
  ]
  return toParts(lines, [])
}

function toParts(lines: readonly string[], byEnvironments: readonly Part[]): Part[] {
  return [{ environments: [], lines }, ...byEnvironments].filter((part) => part.lines.length > 0)
}

function byEnvironment(
  environments: readonly string[],
  describe: (environment: string) => readonly string[],
): Part[] {
  const parts = new Map<string, { environments: string[]; lines: readonly string[] }>()
  for (const environment of environments) {
    const lines = describe(environment)
    const id = lines.join('\n')
    const part = parts.get(id) ?? { environments: [], lines }
    part.environments.push(environment)
    parts.set(id, part)
  }
  return [...parts.values()]
}

/** The facts of a definition that differ; of a new one those that say something. */
function describeFacts<T extends object>(
  { key, before, after }: { readonly key: string; readonly before: T | undefined; readonly after: T },
  names: readonly (keyof T & string)[],
): string[] {
  const silent = [null, '', false, 'release', 'keep', key]
  return names.flatMap((name) => {
    const [old, now] = [before?.[name] as Json | undefined, after[name] as Json] // definitions are JSON
    if (isSame(old ?? null, now)) return []
    if (before !== undefined) return [`${name}: ${show(now)} (was: ${show(old)})`]
    return silent.some((value) => value === now) || isSame(now, []) ? [] : [`${name}: ${show(now)}`]
  })
}
