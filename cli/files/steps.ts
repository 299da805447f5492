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
  | { readonly kind: 'restore' | 'archive'; readonly change: Change }
  | { readonly kind: 'updateLayer'; readonly change: LayerChange }
  | { readonly kind: 'createSegment'; readonly change: SegmentChange; readonly isBare: boolean }
  | { readonly kind: 'createFlags'; readonly changes: readonly FlagChange[] }
  | { readonly kind: 'updateSegment'; readonly change: SegmentChange }
  | { readonly kind: 'restateSegment'; readonly change: SegmentChange; readonly environment: string }
  | { readonly kind: 'widenFlag' | 'narrowFlag'; readonly change: FlagChange }
  | { readonly kind: 'restateFlag'; readonly change: FlagChange; readonly environment: string }

export function toSteps({ changes }: Plan): Step[] {
  const layers = changes.filter((change) => change.kind === 'layer')
  const segments = changes.filter((change) => change.kind === 'segment')
  const flags = changes.filter((change) => change.kind === 'flag')
  const newFlags = flags.filter(isNew)
  const newKeys = new Set(newFlags.map(({ key }) => key))
  const isBare = (change: SegmentChange) =>
    segmentTargets(change.after).some(({ kind, key }) => kind === 'flag' && newKeys.has(key))
  const layerUpdates = layers.filter(isKept).filter(({ isRedefined }) => isRedefined)
  const redefined = flags.filter(isKept).filter(({ isRedefined }) => isRedefined)
  return [
    ...layers.filter(isNew).map((change): Step => ({ kind: 'createLayer', change })),
    ...changes
      .filter(({ action }) => action === 'restore')
      .map((change): Step => ({ kind: 'restore', change })),
    ...layerUpdates
      .filter((change) => !losesSlots(change))
      .map((change): Step => ({ kind: 'updateLayer', change })),
    ...redefined.map((change): Step => ({ kind: 'widenFlag', change })),
    ...inOrder(segments.filter(isNew)).map((change): Step => ({
      kind: 'createSegment',
      change,
      isBare: isBare(change),
    })),
    ...inRequests(inOrder(newFlags)).map((some): Step => ({ kind: 'createFlags', changes: some })),
    ...segments.flatMap((change) => segmentSteps(change, isNew(change) && !isBare(change))),
    ...losersFirst(flags.filter(isKept).flatMap(statesOf)),
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

function isKept({ action }: Change): boolean {
  return action === 'update' || action === 'restore'
}

function losesSlots({ before, after }: LayerChange): boolean {
  const kept = new Set(after.definition.slots.map(({ name }) => name))
  return before?.definition.slots.some(({ name }) => !kept.has(name)) ?? false
}

function segmentSteps(change: SegmentChange, isWritten: boolean): Step[] {
  if (isWritten || change.action === 'archive') return []
  return [
    ...(isKept(change) && change.isRedefined ? [{ kind: 'updateSegment', change } as const] : []),
    ...change.restated.map((environment) => ({ kind: 'restateSegment', change, environment }) as const),
  ]
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
