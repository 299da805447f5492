/**
 * Attributes of the context. A snapshot holds one `Attribute` for each path that its flags read, and an attribute
 * remembers its value and hash for the run it was read in: a path is walked and hashed once a context, however many
 * flags and rules name it.
 */
import { hashOf } from './bucketing.ts'
import type { EvaluationContext, Json } from './model.ts'

/** One evaluation, of one flag or of all, for one context. A snapshot reuses its run, so that starting one is free. */
export interface Run {
  context: EvaluationContext
  /** Epoch milliseconds. */
  now: number
  /** Tells runs apart. */
  id: number
}

export interface Attribute {
  readonly path: string
  /** The path's first name, and the further ones, which few have. */
  readonly first: string
  readonly further: readonly string[]
  value: Json | undefined
  valueRunId: number
  hash: number
  hashRunId: number
}

/** The attributes of a snapshot, by path. */
export type Attributes = Map<string, Attribute>

const emptyContext: EvaluationContext = {}

export function makeRun(): Run {
  return { context: emptyContext, now: 0, id: 0 }
}

/** Begins a run. */
export function startRun(run: Run, context: EvaluationContext, now: number): void {
  run.context = context
  run.now = now
  run.id += 1
}

/** The attribute of that path: one object a snapshot. */
export function attributeAt(attributes: Attributes, path: string): Attribute {
  const known = attributes.get(path)
  if (known) return known
  const [first = '', ...further] = path.split('.')
  const attribute = { path, first, further, value: undefined, valueRunId: 0, hash: 0, hashRunId: 0 }
  attributes.set(path, attribute)
  return attribute
}

/** The attribute's value in the run's context; undefined if it is missing. */
export function readAttribute(attribute: Attribute, run: Run): Json | undefined {
  if (attribute.valueRunId !== run.id) {
    const value = readOwn(run.context, attribute.first)
    attribute.value = attribute.further.length === 0 ? value : walk(value, attribute.further)
    attribute.valueRunId = run.id
  }
  return attribute.value
}

/** `hashOf` the attribute's value. */
export function hashAttribute(attribute: Attribute, run: Run): number {
  if (attribute.hashRunId !== run.id) {
    attribute.hash = hashOf(readAttribute(attribute, run))
    attribute.hashRunId = run.id
  }
  return attribute.hash
}

function walk(start: Json | undefined, names: readonly string[]): Json | undefined {
  return names.reduce((value: Json | undefined, name) => readOwn(value, name), start)
}

/**
 * Own properties of objects only: lists and texts have no names, although JavaScript gives them a `length`. A context
 * that is no object has no attributes.
 */
function readOwn(value: Json | undefined, name: string): Json | undefined {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

function isRecord(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
