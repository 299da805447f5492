/** Whether the values of a flag's variants are as its JSON Schema says. Pure, and bounded in time. */
import { format, validate, type OutputUnit, type Schema } from '@cfworker/json-schema'
import { RE2JS } from 're2js'
import type { Json, Variant } from '../engine/model.ts'
import { pointerOf, type WrongField } from './wrong-field.ts'
import { subschemaPlaces, type Place } from './value-schema-form.ts'

/** A step is one schema met with one part of a value: about a microsecond. For all variants of a flag together. */
const stepsMax = 200_000
const errorsPerVariantMax = 5
/** Errors whose inner ones belong to alternatives: those would only confuse. */
const alternatives = new Set(['anyOf', 'oneOf', 'not', 'contains'])
/** Errors that only say that an inner one follows. */
const wrappers = new Set(
  '$ref allOf if properties additionalProperties unevaluatedProperties propertyNames dependentSchemas prefixItems items unevaluatedItems'.split(
    ' ',
  ),
)

type JsonObject = { readonly [name: string]: Json }

/**
 * Every way in which the values break a schema without form errors, with the pointer of the part that does:
 * `{at}/variants/0/value/color`.
 */
export function schemaErrors(
  schema: Json,
  variants: readonly Pick<Variant, 'value'>[],
  at: string,
): WrongField[] {
  const run: Run = { left: stepsMax, listCost: 0, patterns: new Map(), places: {} }
  const compiled = compile(schema, '#', run)
  for (const [name, matches] of run.patterns) format[name] = matches
  try {
    return variants.flatMap(({ value }, index) =>
      valueErrors(value, `${at}/variants/${index}/value`, { compiled, run }),
    )
  } finally {
    // The library knows checks of texts by name only, in one table.
    for (const name of run.patterns.keys()) delete format[name]
  }
}

interface Run {
  /** Steps that are left. */
  left: number
  /** What comparing all items of the longest list with each other costs, in steps. */
  listCost: number
  readonly patterns: Map<string, (text: string) => boolean>
  /** Compiled subschemas by the $ref that leads to them. */
  readonly places: Record<string, Schema | boolean>
}

function valueErrors(
  value: Json,
  pointer: string,
  { compiled, run }: { compiled: Schema | boolean; run: Run },
): WrongField[] {
  run.listCost = Math.ceil(longestList(value) ** 2 / 15)
  try {
    const { errors } = validate(value, compiled as Schema, '2020-12', run.places) // it takes true and false as well
    return telling(errors)
      .slice(0, errorsPerVariantMax)
      .map((error) => ({
        pointer: `${pointer}${decodeURIComponent(error.instanceLocation.slice(1))}`,
        detail: describe(error),
      }))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    // Out of steps or, where a schema leads back to itself, of stack: to be mended in the schema.
    const detail = `cannot be checked: the schema takes more than ${stepsMax} steps on it, or refers to itself without end`
    return [{ pointer, detail }]
  }
}

/** Of each failure the innermost errors; of alternatives that none of them fits. */
function telling(errors: readonly OutputUnit[]): OutputUnit[] {
  const told: OutputUnit[] = []
  let hidden: string | null = null
  for (const error of errors) {
    if (hidden !== null && error.keywordLocation.startsWith(hidden)) continue
    hidden = alternatives.has(error.keyword) ? `${error.keywordLocation}/` : null
    if (!wrappers.has(error.keyword)) told.push(error)
  }
  return told.length > 0 ? told : errors.slice(0, 1)
}

function describe({ keyword, error }: OutputUnit): string {
  if (keyword === 'false') return 'is not allowed here'
  const pattern = /format "(pattern .*)"\.$/s.exec(error)?.[1]
  if (pattern !== undefined) return `does not match the ${pattern}`
  const said = error
    .replace(/^Instance type "(\w+)" is invalid. Expected/, 'is of type $1, must be')
    .replace(/^(?:Instance|String|Array) (?=does|is|must|may|has|matched)/, '')
    .replace(/\.$/, '')
  return said.length > 300 ? `${said.slice(0, 300)}…` : said
}

/**
 * A copy of which the library reads nothing but keywords it checks: references are resolved by `places`, patterns are
 * checks of texts of that name, and each visit is counted.
 */
function compile(schema: Json, pointer: string, run: Run): Schema | boolean {
  if (schema === false) return (run.places[pointer] = false)
  const given = schema === true ? {} : (schema as JsonObject) // its form was checked
  const copy: Record<string, unknown> = {}
  run.places[pointer] = copy
  for (const [name, value] of Object.entries(given)) {
    if (name === '$id' || name === 'pattern' || name.startsWith('x-')) continue
    const place = subschemaPlaces.get(name)
    copy[name] = place ? compilePlace(place, value, { pointer: pointer + pointerOf([name]), run }) : value
  }
  if (typeof given['pattern'] === 'string') addPattern(copy, given['pattern'], run)
  countVisits(copy, given, run)
  return copy
}

function compilePlace(place: Place, value: Json, { pointer, run }: { pointer: string; run: Run }): unknown {
  if (place === 'one') return compile(value, pointer, run)
  if (Array.isArray(value)) return value.map((part: Json, i) => compile(part, `${pointer}/${i}`, run))
  const parts = Object.entries(value as JsonObject) // its form was checked
  // Defines members, so that also `__proto__` is one.
  return Object.fromEntries(
    parts.map(([name, part]) => [name, compile(part, pointer + pointerOf([name]), run)]),
  )
}

/** The library would use the backtracking RegExp: the pattern becomes a format, which it asks a function about. */
function addPattern(copy: Record<string, unknown>, pattern: string, run: Run): void {
  const regex = RE2JS.compile(pattern)
  const cost = regex.programSize() / 100
  const name = `pattern ${pattern}`
  run.patterns.set(name, (text) => {
    charge(run, 1 + (text.length * cost) / 100)
    return regex.matcher(text).find()
  })
  const others = Array.isArray(copy['allOf']) ? copy['allOf'] : []
  copy['allOf'] = [...others, { format: name }]
}

/** The library reads this keyword, of another draft, once each time it applies a schema. */
function countVisits(copy: Record<string, unknown>, given: JsonObject, run: Run): void {
  const compared = ['enum', 'const', 'required', 'dependentRequired'].map((name) => countNodes(given[name]))
  const own = 1 + compared.reduce((sum, nodes) => sum + nodes, Object.keys(given).length) / 20
  const comparesItems = given['uniqueItems'] === true
  Object.defineProperty(copy, '$recursiveAnchor', {
    get() {
      charge(run, comparesItems ? own + run.listCost : own)
      return undefined
    },
  })
}

function charge(run: Run, steps: number): void {
  run.left -= steps
  if (run.left < 0) throw new RangeError('out of steps')
}

/** Values nest no deeper than a body may, so that recursion is safe. */
function countNodes(value: Json | undefined): number {
  if (value === undefined) return 0
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce((sum: number, part: Json) => sum + countNodes(part), 1)
}

function longestList(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0
  const inner = Object.values(value).reduce((max: number, part: Json) => Math.max(max, longestList(part)), 0)
  return Array.isArray(value) ? Math.max(inner, value.length) : inner
}
