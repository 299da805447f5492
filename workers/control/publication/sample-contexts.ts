/** Contexts that reach as much as possible of what an environment's flags and segments ask for. Pure. */
import type { Condition, EvaluationContext, Json, Leaf, Serve } from '@halyard/shared/engine/model.ts'
import type { FlagRecord, HistoryRow, LayerRecord, SegmentRecord } from '../ports.ts'

/** Rises when the same history would give other contexts: decisions on them are then no longer comparable. */
export const sampleScheme = 1

/**
 * The sample contexts of a version, from its history rows, in whatever order these come: no compiler has a say in
 * them. The first is empty; in each other every attribute that something reads has a value that something compares it
 * with, one that nothing names, or none.
 */
export function sampleContexts(rows: readonly HistoryRow[]): EvaluationContext[] {
  const pools: Pools = new Map([['targetingKey', new Set()]])
  for (const { kind, state } of rows) {
    if (kind === 'key' || state === null) continue
    const record = state as unknown as FlagRecord | SegmentRecord | LayerRecord // what `usecases/records.ts` wrote
    if (!record.archived) collect(pools, record)
  }
  const attributes = [...pools].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(toAttribute)
  return [{}, ...Array.from({ length: samples - 1 }, (_, i) => contextOf(attributes, i))]
}

const samples = 16
/** So many values of an attribute are tried; with the two others, each comes up in the samples. */
const valuesMax = samples - 3
/** Of a list of ids the first few are as good as all. */
const idsRead = 4

/** The JSON of the values that something compares an attribute with, by its path. */
type Pools = Map<string, Set<string>>

interface SampledAttribute {
  readonly path: readonly string[]
  readonly values: readonly Json[]
  /** Where it begins in its values: two attributes do not move in step. */
  readonly offset: number
}

function collect(pools: Pools, record: FlagRecord | SegmentRecord | LayerRecord): void {
  if (!('state' in record)) return add(pools, record.by, [])
  if ('rules' in record.state) return collectFlag(pools, record.state)
  const { attribute, include, exclude, when, members } = record.state
  for (const ids of [include, exclude, members?.added ?? [], members?.removed ?? []])
    add(pools, attribute, ids.slice(0, idsRead))
  if (when) collectCondition(pools, when)
}

function collectFlag(pools: Pools, { overrides, rules, fallthrough }: FlagRecord['state']): void {
  for (const { attribute, values } of overrides) add(pools, attribute, values.slice(0, idsRead))
  for (const { when, sample, serve } of rules) {
    collectCondition(pools, when)
    if (sample) add(pools, sample.by, [])
    collectServe(pools, serve)
  }
  collectServe(pools, fallthrough)
}

function collectServe(pools: Pools, serve: Serve): void {
  if ('split' in serve) add(pools, serve.split.by, [])
  if ('ramp' in serve) add(pools, serve.ramp.by, [])
}

function collectCondition(pools: Pools, condition: Condition): void {
  if ('all' in condition) for (const part of condition.all) collectCondition(pools, part)
  else if ('any' in condition) for (const part of condition.any) collectCondition(pools, part)
  else if ('not' in condition) collectCondition(pools, condition.not)
  else if ('op' in condition) add(pools, condition.attribute, wantedBy(condition))
}

/** Values that such a comparison would look at; those of the clock are of no context. */
function wantedBy({ op, value, values = [] }: Leaf): Json[] {
  const operands = [...(value === undefined ? [] : [value]), ...values.slice(0, idsRead)]
  if (op === 'hasAny' || op === 'hasAll' || op === 'hasNone') return operands.map((operand) => [operand])
  if (op === 'inCidr') return operands.map((operand) => String(operand).replace(/\/.*$/, ''))
  return operands
}

function add(pools: Pools, attribute: string, values: readonly Json[]): void {
  if (attribute.startsWith('$')) return
  const pool = pools.get(attribute) ?? new Set()
  pools.set(attribute, pool)
  for (const value of values) pool.add(JSON.stringify(value))
}

function toAttribute([attribute, pool]: readonly [string, ReadonlySet<string>]): SampledAttribute {
  const texts = [...pool].toSorted().slice(0, valuesMax)
  const offset = [...attribute].reduce((sum, letter) => sum + (letter.codePointAt(0) ?? 0), 0)
  return { path: attribute.split('.'), values: texts.map((text) => JSON.parse(text) as Json), offset } // what add wrote
}

function contextOf(attributes: readonly SampledAttribute[], index: number): EvaluationContext {
  const context: { [name: string]: Json } = {}
  for (const { path, values, offset } of attributes) {
    const choice = (index + offset) % (values.length + 2)
    const value = choice === values.length ? `sample-${index}` : values[choice]
    if (value !== undefined) put(context, path, value)
  }
  return context
}

/** A path below a name that has another value already stays absent. */
function put(
  context: { [name: string]: Json },
  [name = '', ...further]: readonly string[],
  value: Json,
): void {
  const inner = Object.hasOwn(context, name) ? context[name] : undefined
  if (further.length === 0) {
    if (inner === undefined) define(context, name, value)
    return
  }
  if (inner !== undefined && !isObject(inner)) return
  const next = { ...inner }
  put(next, further, value)
  define(context, name, next)
}

/** As an own property, whatever its name is: `__proto__` is an ordinary one. */
function define(context: { [name: string]: Json }, name: string, value: Json): void {
  Object.defineProperty(context, name, { value, enumerable: true, configurable: true, writable: true })
}

function isObject(value: Json): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
