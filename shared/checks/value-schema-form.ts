/**
 * Which JSON Schemas a flag may have: draft 2020-12, closed in itself. What would need another document ($ref
 * elsewhere, $dynamicRef, $vocabulary), what nothing here would check (unknown keywords and formats), and what could
 * take unbounded time (patterns that RE2 does not know, patternProperties) is refused rather than passed over. Pure.
 */
import { RE2JS, RE2JSException } from 're2js'
import type { Json } from '../engine/model.ts'
import { limits } from '../contract/limits.ts'
import { leastInstructions, tableCost } from '../pattern/pattern-cost.ts'
import { pointerOf, type WrongField } from './wrong-field.ts'

/** How a keyword holds further schemas. */
export type Place = 'one' | 'list' | 'map'

export const subschemaPlaces: ReadonlyMap<string, Place> = new Map([
  ...places('map', '$defs definitions properties dependentSchemas'),
  ...places('list', 'allOf anyOf oneOf prefixItems'),
  ...places('one', 'not if then else items contains additionalProperties propertyNames'),
  ...places('one', 'unevaluatedItems unevaluatedProperties'),
])

const draft = 'https://json-schema.org/draft/2020-12/schema'
const errorsMax = 50
const patternSizeMax = 2_000
/** Of all schemas of a request. */
const patternSizesMax = 4_000
const types = ['null', 'boolean', 'object', 'array', 'number', 'string', 'integer']
const formats =
  'date time date-time duration uri uri-reference uri-template email hostname ipv4 ipv6 uuid json-pointer relative-json-pointer regex'.split(
    ' ',
  )
const refused: Readonly<Record<string, string>> = {
  patternProperties: 'cannot be checked in linear time here; name the properties, or use propertyNames',
  $dynamicRef: 'is not supported; use $ref',
  $dynamicAnchor: 'is not supported; use $defs and $ref',
  $anchor: 'is not supported; use $defs and a $ref such as #/$defs/name',
  $vocabulary: 'is not supported',
  additionalItems: `is of an older draft; ${draft} has prefixItems and items`,
  dependencies: `is of an older draft; ${draft} has dependentRequired and dependentSchemas`,
}

type Rule = (value: Json, compiled: Compiled) => string | null
type JsonObject = { readonly [name: string]: Json }

const annotation: Rule = () => null
const wholeNumber: Rule = (value) =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? null : 'must be a whole number from 0 up'
const anyNumber: Rule = (value) => (typeof value === 'number' ? null : 'must be a number')
const truth: Rule = (value) => (typeof value === 'boolean' ? null : 'must be true or false')

/** What each keyword that holds no schema must look like. */
const rules: Readonly<Record<string, Rule>> = {
  $schema: (value) => (value === draft || value === `${draft}#` ? null : `must be ${draft}`),
  $ref: (value) => (typeof value === 'string' ? null : 'must be a text'), // what it leads to is checked at the end
  type: (value) => typesError(Array.isArray(value) ? value : [value]),
  enum: (value) => (Array.isArray(value) && value.length > 0 ? null : 'must be a list of at least one value'),
  const: annotation,
  required: textsError,
  dependentRequired: dependentError,
  pattern: patternError,
  format: (value) =>
    formats.includes(String(value)) ? null : `is not checked here; known are ${formats.join(', ')}`,
  multipleOf: (value) => (typeof value === 'number' && value > 0 ? null : 'must be a number above 0'),
  uniqueItems: truth,
  ...each(['minLength', 'maxLength', 'minItems', 'maxItems', 'minContains', 'maxContains'], wholeNumber),
  ...each(['minProperties', 'maxProperties'], wholeNumber),
  ...each(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'], anyNumber),
  ...each(['$comment', 'title', 'description', 'default', 'examples', 'deprecated'], annotation),
  ...each(['readOnly', 'writeOnly', 'contentEncoding', 'contentMediaType'], annotation),
}

/** What the patterns of a request's schemas cost together. */
interface Compiled {
  instructions: number
}

export function nothingCompiled(): Compiled {
  return { instructions: 0 }
}

/** Every way in which a schema is none that a flag may have; pointers begin with `at`. */
export function schemaFormErrors(schema: Json, at: string, compiled = nothingCompiled()): WrongField[] {
  const walk: Walk = { at, compiled, errors: [], places: new Set(), refs: [] }
  checkSchema(schema, '', walk)
  for (const { ref, pointer } of walk.refs) {
    if (!ref.startsWith('#') || !walk.places.has(ref.slice(1))) report(walk, pointer, refDetail(ref))
  }
  return walk.errors.slice(0, errorsMax)
}

interface Walk {
  readonly at: string
  readonly compiled: Compiled
  readonly errors: WrongField[]
  /** The pointers of all subschemas. */
  readonly places: Set<string>
  readonly refs: { readonly ref: string; readonly pointer: string }[]
}

function report({ at, errors }: Walk, pointer: string, detail: string): void {
  errors.push({ pointer: `${at}${pointer}`, detail })
}

/** Nested no deeper than a body may be, so that recursion is safe. */
function checkSchema(schema: Json | undefined, pointer: string, walk: Walk): void {
  walk.places.add(pointer)
  if (typeof schema === 'boolean') return
  if (!isObject(schema)) return report(walk, pointer, 'is no schema: it must be an object, true or false')
  for (const [name, value] of Object.entries(schema)) {
    checkKeyword(name, value, { pointer, walk })
  }
}

function checkKeyword(name: string, value: Json, { pointer, walk }: { pointer: string; walk: Walk }): void {
  const inner = `${pointer}${pointerOf([name])}`
  const place = subschemaPlaces.get(name)
  if (place !== undefined) return checkPlace(place, value, { pointer: inner, walk })
  if (name === '$id' && pointer === '') return
  if (name.startsWith('x-')) return
  if (Object.hasOwn(refused, name)) return report(walk, inner, refused[name] ?? '')
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined
  if (!rule) return report(walk, inner, `is no keyword of ${draft}; names of your own begin with x-`)
  if (name === '$ref' && typeof value === 'string') walk.refs.push({ ref: value, pointer: inner })
  const detail = rule(value, walk.compiled)
  if (detail !== null) report(walk, inner, detail)
}

function checkPlace(place: Place, value: Json, { pointer, walk }: { pointer: string; walk: Walk }): void {
  if (place === 'one') return checkSchema(value, pointer, walk)
  if (place === 'list' && !(Array.isArray(value) && value.length > 0)) {
    return report(walk, pointer, 'must be a list of at least one schema')
  }
  if (place === 'map' && !isObject(value)) return report(walk, pointer, 'must be an object of schemas')
  for (const [name, part] of Object.entries(value ?? {})) {
    checkSchema(part as Json, `${pointer}${pointerOf([name])}`, walk) // a member of JSON is JSON
  }
}

function refDetail(ref: string): string {
  if (!ref.startsWith('#')) return 'may not lead to another document; put it under $defs, as #/$defs/name'
  return `there is no schema at ${ref}; write it as #/$defs/name`
}

function typesError(names: readonly Json[]): string | null {
  const unknown = names.find((name) => !types.includes(String(name)))
  if (names.length === 0) return `must name at least one of ${types.join(', ')}`
  return unknown === undefined ? null : `${JSON.stringify(unknown)} is no type; there is ${types.join(', ')}`
}

function textsError(value: Json): string | null {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
    ? null
    : 'must be a list of texts'
}

function dependentError(value: Json): string | null {
  const isFine = isObject(value) && Object.values(value).every((names) => textsError(names) === null)
  return isFine ? null : 'must be an object of lists of texts'
}

/** Only what RE2 compiles, which then matches in linear time: a backtracking engine never sees a user's pattern. */
function patternError(value: Json, compiled: Compiled): string | null {
  if (typeof value !== 'string') return 'must be a text'
  if (value.length > limits.patternLength) {
    return `is ${value.length} characters long; a pattern may have ${limits.patternLength}`
  }
  const tables = tableCost(value)
  const least = tables + leastInstructions(value)
  if (least > patternSizeMax) return tooCostly(least)
  if (compiled.instructions + least > patternSizesMax) return tooManyInstructions
  try {
    const size = tables + RE2JS.compile(value).programSize()
    compiled.instructions += size
    return size > patternSizeMax ? tooCostly(size) : null
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return `is no RE2 pattern: ${error.message}` // the user's to mend
  }
}

const tooManyInstructions = `is one too many: the patterns in the schemas of a request may count as ${patternSizesMax} steps together`

function tooCostly(size: number): string {
  return `is too costly: it counts as at least ${size} steps, at most ${patternSizeMax} are allowed`
}

function places(place: Place, names: string): (readonly [string, Place])[] {
  return names.split(' ').map((name) => [name, place])
}

function each(names: readonly string[], rule: Rule): Record<string, Rule> {
  return Object.fromEntries(names.map((name) => [name, rule]))
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
