/** One step of a plan as a write, and as words. */
import { limits } from '@halyard/shared/contract/limits.ts'
import { isSame, pick, segmentFields, type FlagContent } from './content.ts'
import { toFlagCreate } from './flag-create.ts'
import { segmentStateOf } from './read-content.ts'
import type { Change, FlagChange, SegmentChange } from './plan.ts'
import { needsTwoSteps, type Step } from './steps.ts'
import { observe, write, type Target, type Writer } from './writer.ts'

export async function runStep(writer: Writer, step: Step): Promise<void> {
  const { project } = writer
  switch (step.kind) {
    case 'createLayer': {
      const { key, after } = step.change
      const body = { key, ...after.definition, seed: after.seed }
      return write(writer, null, { operation: 'createLayer', input: { params: project, body } })
    }
    case 'updateLayer': {
      const { key, after } = step.change
      const input = { params: { ...project, key }, body: after.definition }
      return write(writer, { kind: 'layer', key }, { operation: 'updateLayer', input })
    }
    case 'createSegment':
    case 'restoreSegment':
      return bringSegment(writer, step.change, step)
    case 'restoreFlag':
      return restoreFlag(writer, step.change, step.elsewhere)
    case 'restoreLayer': {
      const { key } = step.change
      const input = { params: { ...project, key }, body: {} }
      return write(writer, { kind: 'layer', key }, { operation: 'restoreLayer', input })
    }
    case 'createFlags': {
      const body = { flags: step.changes.map(toFlagCreate) }
      return write(writer, null, { operation: 'importFlags', input: { params: project, body } })
    }
    case 'updateSegment': {
      const { key, after } = step.change
      const input = { params: { ...project, key }, body: pick(after.definition, segmentFields) }
      return write(writer, { kind: 'segment', key }, { operation: 'updateSegment', input })
    }
    case 'restateSegment':
      return restateSegment(writer, step.change, step.environment)
    case 'widenFlag':
    case 'narrowFlag': {
      const { key } = step.change
      const body = step.kind === 'widenFlag' ? widened(step.change) : narrowed(step.change)
      const input = { params: { ...project, key }, body }
      return write(writer, { kind: 'flag', key }, { operation: 'updateFlag', input })
    }
    case 'restateFlag': {
      const { change, environment } = step
      const { key, after } = change
      const body = after.states.get(environment) ?? {}
      const input = { params: { ...project, key, environment }, body }
      return write(writer, { kind: 'flag', key, environment }, { operation: 'updateFlagState', input })
    }
    case 'archive':
      return archive(writer, step.change)
  }
  return step satisfies never
}

/** What is written, for people: a line of what was done, and of what was not. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'createFlags': {
      const keys = step.changes.map(({ key }) => key)
      return `create ${keys.length === 1 ? 'flag' : `${keys.length} flags`} ${keys.join(', ')}`
    }
    case 'createLayer':
    case 'createSegment':
      return `create ${step.change.kind} ${step.change.key}`
    case 'updateLayer':
    case 'updateSegment':
    case 'widenFlag':
      return `change the definition of ${step.change.kind} ${step.change.key}`
    case 'narrowFlag':
      return `take variants away from flag ${step.change.key}`
    case 'restateFlag':
    case 'restateSegment':
      return `change ${step.change.kind} ${step.change.key} in ${step.environment}`
    case 'restoreFlag':
    case 'restoreSegment':
    case 'restoreLayer':
      return `restore ${step.change.kind} ${step.change.key}`
    case 'archive':
      return `archive ${step.change.kind} ${step.change.key}`
  }
  return step satisfies never
}

/** Bare, it has no condition yet: that names flags which are not there. */
async function bringSegment(
  writer: Writer,
  { key, after }: SegmentChange,
  { kind, isBare }: { readonly kind: 'createSegment' | 'restoreSegment'; readonly isBare: boolean },
): Promise<void> {
  const states = [...after.states].map(
    ([name, state]) => [name, { ...editable(state), ...(isBare && { when: null }) }] as const,
  )
  const params = writer.project
  const body = { ...after.definition, environments: Object.fromEntries(states) }
  if (kind === 'createSegment')
    return write(writer, null, { operation: kind, input: { params, body: { key, ...body } } })
  return write(
    writer,
    { kind: 'segment', key },
    { operation: kind, input: { params: { ...params, key }, body } },
  )
}

/** All at once, and switched off where nobody asked for it: no reader meets the flag as it was archived. */
async function restoreFlag(
  writer: Writer,
  { key, before, after }: FlagChange,
  elsewhere: readonly string[],
): Promise<void> {
  const { valueType: _fixed, ...definition } = after.definition
  const off = elsewhere.map((environment) => [environment, { enabled: false }] as const)
  const body = {
    ...definition,
    variants: inOldOrder(before?.definition.variants ?? [], definition.variants),
    environments: Object.fromEntries([...after.states, ...off]),
  }
  const input = { params: { ...writer.project, key }, body }
  await write(writer, { kind: 'flag', key }, { operation: 'restoreFlag', input })
}

async function restateSegment(writer: Writer, { key, action, after }: SegmentChange, environment: string) {
  const state = after.states.get(environment)
  if (!state) return
  const target: Target = { kind: 'segment', key, environment }
  const params = { ...writer.project, key, environment }
  // That of a new or restored segment was not there to be looked at before.
  if (action !== 'update') await observe(writer, target, { operation: 'getSegmentState', input: { params } })
  await write(writer, target, { operation: 'updateSegmentState', input: { params, body: editable(state) } })
}

function editable(state: Parameters<typeof segmentStateOf>[0]) {
  const { members: _uploaded, ...rest } = segmentStateOf(state)
  return rest
}

async function archive(writer: Writer, { kind, key }: Change): Promise<void> {
  const params = { ...writer.project, key }
  const operations = { flag: 'archiveFlag', segment: 'archiveSegment', layer: 'archiveLayer' } as const
  await write(writer, { kind, key }, { operation: operations[kind], input: { params } })
}

type Definition = FlagContent['definition']

/** With the variants that it loses in the end, and without a schema that these, or the new ones, might break. */
function widened(change: FlagChange) {
  const { before, after } = change
  const { valueType: _fixed, ...definition } = after.definition
  const variants = inOldOrder(before?.definition.variants ?? [], after.definition.variants)
  if (!needsTwoSteps(change) || !before) return { ...definition, variants }
  const lost = before.definition.variants.filter(
    ({ key }) => !variants.some((variant) => variant.key === key),
  )
  const isSchemaNew = !isSame(before.definition.schema, definition.schema)
  const both = [...variants, ...lost].slice(0, limits.variants)
  return { ...definition, variants: both, ...(isSchemaNew && { schema: null }) }
}

function narrowed({ before, after }: FlagChange) {
  const { variants, schema } = after.definition
  return { variants: inOldOrder(before?.definition.variants ?? [], variants), schema }
}

/** A file keeps no order of variants: those that are there stay in theirs. */
function inOldOrder(before: Definition['variants'], after: Definition['variants']): Definition['variants'] {
  const place = new Map(before.map(({ key }, index) => [key, index]))
  const end = before.length
  return after.toSorted((a, b) => (place.get(a.key) ?? end) - (place.get(b.key) ?? end))
}
