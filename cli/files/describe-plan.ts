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

/** What becomes of one thing, also in environments that the plan is not for. Those in which the same happens stand together. */
export function describeChange(change: Change, elsewhere: readonly string[]): readonly Part[] {
  if (change.action === 'archive') return []
  switch (change.kind) {
    case 'flag':
      return describeFlag(change, elsewhere)
    case 'segment':
      return describeSegment(change, elsewhere)
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

function describeFlag(change: FlagChange, elsewhere: readonly string[]): Part[] {
  const { key, action, before, after, isRedefined, restated } = change
  const { definition } = after
  const old = before
    ? readable(before.definition)
    : { ...readable(definition), variants: [], clientVisible: false }
  const lines = [
    ...(before ? [] : [`type: ${definition.valueType}`]),
    ...describeFacts({ key, before: before?.definition, after: definition }, flagFacts),
    ...describeFlagChange(old, readable(definition)),
  ]
  if (action === 'restore') return toParts(isRedefined ? lines : [], comebacks(change, elsewhere))
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

/** An archived flag is off for everybody: its whole state is news, the switch first. */
function comebacks({ before, after }: FlagChange, elsewhere: readonly string[]): Part[] {
  const definition = readable(after.definition)
  return byEnvironment([...after.states.keys(), ...elsewhere], (environment) => {
    const state = after.states.get(environment)
    if (!state) return ['comes back switched off: the plan is not for this environment']
    const old = before?.states.get(environment) ?? state
    return [
      `comes back switched ${state.enabled ? 'on' : 'off'}`,
      ...describeFlagChange(
        { ...definition, state: { ...old, enabled: state.enabled } },
        { ...definition, state },
      ),
    ]
  })
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

function describeSegment(
  { key, action, before, after, isRedefined, restated }: SegmentChange,
  elsewhere: readonly string[],
): Part[] {
  const facts = describeFacts({ key, before: before?.definition, after: after.definition }, [
    'description',
    'tags',
    'name',
  ])
  const isBack = action === 'restore'
  const parts = byEnvironment(isBack ? [...after.states.keys(), ...elsewhere] : restated, (environment) => {
    const told = after.states.has(environment)
      ? describeSegmentChange(membership(before, environment), membership(after, environment))
      : []
    return isBack && told.length === 0 ? ['comes back as it was'] : told
  })
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
