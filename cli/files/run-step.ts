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
      return createSegment(writer, step.change, step.isBare)
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
    case 'restore':
    case 'archive':
      return archive(writer, step.change, step.kind)
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
    case 'restore':
    case 'archive':
      return `${step.kind} ${step.change.kind} ${step.change.key}`
  }
  return step satisfies never
}

async function createSegment(writer: Writer, change: SegmentChange, isBare: boolean): Promise<void> {
  const { key, after } = change
  const states = [...after.states].map(([name, state]) => [name, editable(state)] as const)
  const body = {
    key,
    ...after.definition,
    ...(!isBare && { environments: Object.fromEntries(states) }),
  }
  await write(writer, null, { operation: 'createSegment', input: { params: writer.project, body } })
}

async function restateSegment(writer: Writer, { key, action, after }: SegmentChange, environment: string) {
  const state = after.states.get(environment)
  if (!state) return
  const target: Target = { kind: 'segment', key, environment }
  const params = { ...writer.project, key, environment }
  // That of a new segment was not there to be looked at before.
  if (action === 'create') await observe(writer, target, { operation: 'getSegmentState', input: { params } })
  await write(writer, target, { operation: 'updateSegmentState', input: { params, body: editable(state) } })
}

function editable(state: Parameters<typeof segmentStateOf>[0]) {
  const { members: _uploaded, ...rest } = segmentStateOf(state)
  return rest
}

async function archive(writer: Writer, { kind, key }: Change, deed: 'archive' | 'restore'): Promise<void> {
  const params = { ...writer.project, key }
  const operations = {
    flag: { archive: 'archiveFlag', restore: 'restoreFlag' },
    segment: { archive: 'archiveSegment', restore: 'restoreSegment' },
    layer: { archive: 'archiveLayer', restore: 'restoreLayer' },
  } as const
  const target = { kind, key }
  if (deed === 'archive')
    return write(writer, target, { operation: operations[kind].archive, input: { params } })
  return write(writer, target, { operation: operations[kind].restore, input: { params, body: {} } })
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
