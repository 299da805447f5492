/**
 * Attributes of the context. A snapshot holds one `Attribute` for each path that its flags read, and an attribute
 * remembers what it was read as in a run: a path is walked, hashed and parsed once a context, however many flags and
 * rules name it. Versions and addresses are read in place, so that nothing is allocated for them.
 */
import { makeAddress, readAddress, type Address } from './operators/address.ts'
import { hashOf, invalidHash, missingHash } from './bucketing.ts'
import { fold } from './operators/folding.ts'
import type { EvaluationContext, Json } from './model.ts'
import { parseMoment } from './operators/moment.ts'
import { makeVersion, readVersion, type Version } from './operators/semver.ts'
import type { Fault } from './world.ts'

/**
 * One evaluation, of one flag or of all, for one context. A snapshot reuses its run, so that starting one is free; the
 * last context stays in memory with it until the next.
 */
export interface Run {
  context: EvaluationContext
  /** Epoch milliseconds. */
  now: number
  /** Tells runs apart. */
  id: number
  /** Whether what the context inherits is what every object inherits; null until somebody asks. */
  isPlain: boolean | null
  /** What a condition met that it cannot decide, until whoever asked has taken it. */
  fault: Fault | null
}

export interface Attribute {
  readonly path: string
  /** The path's first name, and the further ones, which few have. */
  readonly first: string
  readonly further: readonly string[]
  /** Whether it is `$now`, the moment of the run. */
  readonly isClock: boolean
  /** Whether it is one name, and none that every object inherits. */
  readonly isDirect: boolean
  value: Json | undefined
  valueRunId: number
  /** `hashOf` the value, as a signed integer: V8 keeps no unsigned one without a box. */
  hash: number
  /** Why the value has no hash. */
  lack: Lack
  hashRunId: number
  readonly version: Version
  versionRunId: number
  /** NaN if the value is no moment. */
  moment: number
  momentRunId: number
  readonly address: Address
  addressRunId: number
  folded: Json | undefined
  foldedRunId: number
}

/** What a bucketing value may be instead of one. */
export type Lack = 'missing' | 'invalid' | null

/** The attributes of a snapshot, by path. */
export type Attributes = Map<string, Attribute>

/** The path of the moment of the evaluation. */
export const clockPath = '$now'

const emptyContext: EvaluationContext = {}

export function makeRun(): Run {
  return { context: emptyContext, now: 0, id: 0, isPlain: null, fault: null }
}

/** Begins a run. */
export function startRun(run: Run, context: EvaluationContext, now: number): void {
  run.context = context
  run.now = now
  run.id += 1
  run.isPlain = null
  run.fault = null
}

/** The attribute of that path: one object a snapshot. */
export function attributeAt(attributes: Attributes, path: string): Attribute {
  const known = attributes.get(path)
  if (known) return known
  const [first = '', ...further] = path.split('.')
  const attribute = {
    path,
    first,
    further,
    isClock: path === clockPath,
    isDirect: further.length === 0 && path !== clockPath && !(first in Object.prototype),
    value: undefined,
    valueRunId: 0,
    hash: 0,
    lack: null as Lack,
    hashRunId: 0,
    version: makeVersion(),
    versionRunId: 0,
    moment: NaN,
    momentRunId: 0,
    address: makeAddress(),
    addressRunId: 0,
    folded: undefined,
    foldedRunId: 0,
  }
  attributes.set(path, attribute)
  return attribute
}

/** The attribute's value in the run's context; undefined if it is missing. */
export function readAttribute(attribute: Attribute, run: Run): Json | undefined {
  if (attribute.valueRunId !== run.id) {
    // What a plain context has under a name that nobody inherits is its own: asking for that would take as long again.
    const isOwn = attribute.isDirect && (run.isPlain ??= isPlain(run.context))
    const value = isOwn ? run.context[attribute.first] : lookUp(attribute, run)
    attribute.value = typeof value === 'object' && value !== null ? textOfDate(value) : value
    attribute.valueRunId = run.id
  }
  return attribute.value
}

/** Sees to the attribute's `hash`, and says why there is none. */
export function hashAttribute(attribute: Attribute, run: Run): Lack {
  if (attribute.hashRunId !== run.id) {
    const hash = hashOf(readAttribute(attribute, run))
    attribute.lack = hash === missingHash ? 'missing' : hash === invalidHash ? 'invalid' : null
    attribute.hash = hash | 0
    attribute.hashRunId = run.id
  }
  return attribute.lack
}

/** The attribute's text as a version: not valid if it is no text, or none of a version. */
export function versionOf(attribute: Attribute, run: Run): Version {
  const { version } = attribute
  if (attribute.versionRunId !== run.id) {
    const value = readAttribute(attribute, run)
    if (typeof value === 'string') readVersion(version, value)
    else version.isValid = false
    attribute.versionRunId = run.id
  }
  return version
}

/** The attribute as a moment in epoch milliseconds; NaN if it is none. */
export function momentOf(attribute: Attribute, run: Run): number {
  if (attribute.momentRunId !== run.id) {
    attribute.moment = parseMoment(readAttribute(attribute, run)) ?? NaN
    attribute.momentRunId = run.id
  }
  return attribute.moment
}

/** The attribute's text as an address: of family 0 if it is no text, or none of an address. */
export function addressOf(attribute: Attribute, run: Run): Address {
  const { address } = attribute
  if (attribute.addressRunId !== run.id) {
    const value = readAttribute(attribute, run)
    if (typeof value === 'string') readAddress(address, value)
    else address.family = 0
    attribute.addressRunId = run.id
  }
  return address
}

/** The attribute's value with texts folded, those in a list too; other values as they are. */
export function foldedOf(attribute: Attribute, run: Run): Json | undefined {
  if (attribute.foldedRunId !== run.id) {
    const value = readAttribute(attribute, run)
    attribute.folded = isList(value) ? value.map(foldItem) : foldItem(value)
    attribute.foldedRunId = run.id
  }
  return attribute.folded
}

function foldItem<T extends Json | undefined>(value: T): T | string {
  return typeof value === 'string' ? fold(value) : value
}

function lookUp({ first, further, isClock }: Attribute, run: Run): Json | undefined {
  if (isClock) return run.now
  const value = readOwn(run.context, first)
  return further.length === 0 ? value : walk(value, further)
}

/** A context that was no JSON may hold a `Date`, which counts as the ISO 8601 text that it has in JSON. */
function textOfDate(value: Json & object): Json {
  if (isList(value) || Object.prototype.toString.call(value) !== '[object Date]') return value
  const { toJSON } = value as { readonly toJSON?: unknown } // that is what a Date has; null if it is of no moment
  return typeof toJSON === 'function' ? (toJSON.call(value) as Json) : value
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

function isPlain(context: EvaluationContext): boolean {
  return (
    typeof context === 'object' && context !== null && Object.getPrototypeOf(context) === Object.prototype
  )
}

function isRecord(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `Array.isArray` does not know lists that may not be written to. */
function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}
