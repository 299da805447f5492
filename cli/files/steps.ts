/**
 * The writes that a plan comes to, in an order in which each finds what it refers to. What is new comes first, what
 * widens next, then states, then what narrows, and what is archived last, those that refer to others before these. Pure.
 */
import { flagReferences, segmentReferences } from '@halyard/shared/checks/references.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { FlagContent, SegmentContent } from './content.ts'
import { toFlagCreate } from './flag-create.ts'
import type { Change, FlagChange, LayerChange, Plan, SegmentChange } from './plan.ts'

/** One write to the API. Its key, or keys, say of what. */
export type Step =
  | { readonly kind: 'createLayer'; readonly change: LayerChange }
  | { readonly kind: 'restoreLayer'; readonly change: LayerChange }
  | { readonly kind: 'archive'; readonly change: Change }
  | { readonly kind: 'updateLayer'; readonly change: LayerChange }
  | {
      readonly kind: 'createSegment' | 'restoreSegment'
      readonly change: SegmentChange
      readonly isBare: boolean
    }
  | { readonly kind: 'restoreFlag'; readonly change: FlagChange; readonly elsewhere: readonly string[] }
  | { readonly kind: 'createFlags'; readonly changes: readonly FlagChange[] }
  | { readonly kind: 'updateSegment'; readonly change: SegmentChange }
  | { readonly kind: 'restateSegment'; readonly change: SegmentChange; readonly environment: string }
  | { readonly kind: 'widenFlag' | 'narrowFlag'; readonly change: FlagChange }
  | { readonly kind: 'restateFlag'; readonly change: FlagChange; readonly environment: string }

export function toSteps({ changes, elsewhere }: Plan): Step[] {
  const layers = changes.filter((change) => change.kind === 'layer')
  const segments = changes.filter((change) => change.kind === 'segment')
  const flags = changes.filter((change) => change.kind === 'flag')
  const coming = [...flags.filter(isRestored), ...flags.filter(isNew)]
  const comingKeys = new Set(coming.map(({ key }) => key))
  const isBare = (change: SegmentChange) =>
    segmentTargets(change.after).some(({ kind, key }) => kind === 'flag' && comingKeys.has(key))
  const layerUpdates = layers.filter((change) => !isNew(change) && change.isRedefined)
  const redefined = flags.filter((change) => isUpdated(change) && change.isRedefined)
  return [
    ...layers.filter(isNew).map((change): Step => ({ kind: 'createLayer', change })),
    ...layers.filter(isRestored).map((change): Step => ({ kind: 'restoreLayer', change })),
    ...layerUpdates
      .filter((change) => !losesSlots(change))
      .map((change): Step => ({ kind: 'updateLayer', change })),
    ...redefined.map((change): Step => ({ kind: 'widenFlag', change })),
    ...inOrder(segments.filter((change) => isNew(change) || isRestored(change))).map((change): Step => ({
      kind: isNew(change) ? 'createSegment' : 'restoreSegment',
      change,
      isBare: isBare(change),
    })),
    ...inRuns(inOrder(coming)).flatMap((run) => comingSteps(run, elsewhere)),
    ...segments.flatMap((change) => segmentSteps(change, isBare(change))),
    ...losersFirst(flags.filter(isUpdated).flatMap(statesOf)),
    ...redefined
      .filter((change) => needsTwoSteps(change))
      .map((change): Step => ({ kind: 'narrowFlag', change })),
    ...layerUpdates.filter(losesSlots).map((change): Step => ({ kind: 'updateLayer', change })),
    ...inOrder(changes.filter(({ action }) => action === 'archive'))
      .toReversed()
      .map((change): Step => ({ kind: 'archive', change })),
  ]
}

/** Whether a definition loses variants, which states may name until they are written. */
export function needsTwoSteps({ before, after }: FlagChange): boolean {
  const kept = new Set(after.definition.variants.map(({ key }) => key))
  return before?.definition.variants.some(({ key }) => !kept.has(key)) ?? false
}

function isNew({ action }: Change): boolean {
  return action === 'create'
}

function isRestored({ action }: Change): boolean {
  return action === 'restore'
}

function isUpdated({ action }: Change): boolean {
  return action === 'update'
}

/** Slots that flags may use: an archived layer has no such flags. */
function losesSlots({ action, before, after }: LayerChange): boolean {
  if (action === 'restore') return false
  const kept = new Set(after.definition.slots.map(({ name }) => name))
  return before?.definition.slots.some(({ name }) => !kept.has(name)) ?? false
}

/** What is new or restored has its states, unless these had to wait for flags. */
function segmentSteps(change: SegmentChange, isBare: boolean): Step[] {
  if (change.action === 'archive') return []
  const isWaiting = !isUpdated(change)
  const environments = isWaiting ? [...(isBare ? change.after.states.keys() : [])] : change.restated
  return [
    ...(!isWaiting && change.isRedefined ? [{ kind: 'updateSegment', change } as const] : []),
    ...environments.map((environment) => ({ kind: 'restateSegment', change, environment }) as const),
  ]
}

/** New flags that follow each other, of which many fit into a request; a restored one by itself. */
function inRuns(changes: readonly FlagChange[]): FlagChange[][] {
  const runs: FlagChange[][] = []
  for (const change of changes) {
    const last = runs.at(-1)
    if (isNew(change) && last?.every(isNew)) last.push(change)
    else runs.push([change])
  }
  return runs
}

function comingSteps(run: readonly FlagChange[], elsewhere: readonly string[]): Step[] {
  if (run.every(isNew)) return inRequests(run).map((changes) => ({ kind: 'createFlags', changes }))
  return run.map((change) => ({ kind: 'restoreFlag', change, elsewhere }))
}

type Restating = Extract<Step, { kind: 'restateFlag' }>

function statesOf(change: FlagChange): Restating[] {
  return change.restated.map((environment) => ({ kind: 'restateFlag', change, environment }))
}

/** Where flags change sides, the one that no longer refers to the other goes first: there is never a circle. */
function losersFirst(steps: readonly Restating[]): Restating[] {
  const gains = ({ change: { before, after }, environment }: Restating) => {
    const [old, now] = [before?.states.get(environment), after.states.get(environment)]
    const known = new Set(old ? flagReferences(old).map(nameOf) : [])
    return now !== undefined && flagReferences(now).some((reference) => !known.has(nameOf(reference)))
  }
  return [...steps.filter((step) => !gains(step)), ...steps.filter(gains)]
}

/** What others refer to comes before them. */
function inOrder<C extends Change>(changes: readonly C[]): C[] {
  const byName = new Map(changes.map((change) => [nameOf(change), change]))
  const ordered = new Set<C>()
  const open = new Set<C>()
  const visit = (change: C) => {
    if (ordered.has(change) || open.has(change)) return
    open.add(change)
    for (const target of targetsOf(change)) {
      const other = byName.get(nameOf(target))
      if (other) visit(other)
    }
    ordered.add(change)
  }
  for (const change of changes) visit(change)
  return [...ordered]
}

function nameOf({ kind, key }: { readonly kind: string; readonly key: string }): string {
  return `${kind}/${key}`
}

function targetsOf(change: Change) {
  switch (change.kind) {
    case 'flag':
      return flagTargets(change.after)
    case 'segment':
      return segmentTargets(change.after)
    case 'layer':
      return []
  }
  return change satisfies never
}

function flagTargets({ states }: FlagContent) {
  return [...states.values()].flatMap(flagReferences)
}

function segmentTargets({ states }: SegmentContent) {
  return [...states.values()].flatMap(segmentReferences)
}

/** As few requests as their size allows: each creates all of its flags or none. */
function inRequests(changes: readonly FlagChange[]): FlagChange[][] {
  const requests: FlagChange[][] = []
  let bytes = 0
  for (const change of changes) {
    const size = Buffer.byteLength(JSON.stringify(toFlagCreate(change)))
    const last = requests.at(-1)
    const isFull = last?.length === limits.importFlags || bytes + size > limits.bodyBytes - roomBytes
    if (!last || isFull) {
      requests.push([change])
      bytes = size
    } else {
      last.push(change)
      bytes += size
    }
  }
  return requests
}

/** For what stands around the flags of a request. */
const roomBytes = 8 * 1024
