/** Flag files of flagd, https://flagd.dev/schema/v0/flags.json. */
import { jsonDepth } from '@halyard/shared/contract/condition.ts'
import { FlagCreate, FlagStatePatch, type ValueType, type Variant } from '@halyard/shared/contract/flag.ts'
import type { Json } from '@halyard/shared/engine/model.ts'
import { usageError } from '../command-error.ts'
import { readTargeting, type Targeting } from './flagd-targeting.ts'
import type { Importer, PlannedFlag } from './importer.ts'
import { reasonsOf, refuse } from './refuse.ts'

interface FlagdOptions {
  /** Takes every attribute to arrive in the type it is compared with, or not at all. */
  readonly isTyped: boolean
  /** Turns `fractional` into a split, by which users move between variants. */
  readonly mayRebucket: boolean
}

interface File {
  readonly evaluators: JsonObject
  readonly options: FlagdOptions
}

type JsonObject = { readonly [name: string]: Json }

const known = new Set([
  'state',
  'variants',
  'defaultVariant',
  'targeting',
  'metadata',
  'description',
  'name',
  '$schema',
])
const depthMax = 64
const nodesMax = 10_000

export function makeFlagdImporter(options: FlagdOptions): Importer {
  return {
    name: 'flagd',
    read: (document) => {
      const flags = isObject(document) ? member(document, 'flags') : undefined
      if (!isObject(document) || !isObject(flags))
        throw usageError('this is no flag file of flagd: it has no object "flags"')
      const evaluators = member(document, '$evaluators')
      const scope = { evaluators: isObject(evaluators) ? evaluators : {}, options }
      return Object.entries(flags).map(([key, flag]) => readFlag(key, flag, scope))
    },
  }
}

function readFlag(key: string, raw: Json, { evaluators, options }: File): PlannedFlag {
  if (!isObject(raw) || jsonDepth(raw, depthMax) > depthMax) {
    const reason = isObject(raw) ? `it is nested more than ${depthMax} deep` : 'it is not an object'
    return { kind: 'refused', key, reasons: [reason] }
  }
  const notes = new Set<string>()
  if (member(raw, 'metadata') !== undefined) notes.add('metadata is left behind')
  const draft: Draft = { isEnabled: true, valueType: 'json', variants: [], targeting: null }
  const defaultVariant = member(raw, 'defaultVariant') ?? null
  const reasons = reasonsOf(
    () => refuseUnknown(raw),
    () => void (draft.isEnabled = readState(raw)),
    () => void (draft.variants = readVariants(raw)),
    () => {
      if (draft.variants.length === 0) return // said already
      draft.valueType = readValueType(draft.variants)
    },
    () => {
      if (draft.variants.length === 0) return
      const variants = new Set(draft.variants.map((variant) => variant.key))
      const scope = { variants, defaultVariant: readDefault(defaultVariant, variants), ...options }
      const logic = resolve(member(raw, 'targeting') ?? {}, { evaluators, nodes: 0, open: [] })
      draft.targeting = readTargeting(logic, { ...scope, note: (text) => notes.add(text) })
    },
  )
  if (reasons.length > 0 || draft.targeting === null) return { kind: 'refused', key, reasons }
  return finish(key, { ...draft, targeting: draft.targeting, raw, notes: [...notes] })
}

interface Draft {
  isEnabled: boolean
  valueType: ValueType
  variants: Variant[]
  targeting: Targeting | null
}

interface Finished extends Readonly<Draft> {
  readonly targeting: Targeting
  readonly raw: JsonObject
  readonly notes: readonly string[]
}

/** Puts a flag together and holds it against the contract: its limits are the API's to set. */
function finish(
  key: string,
  { raw, notes, variants, valueType, isEnabled, targeting }: Finished,
): PlannedFlag {
  const offVariant = variants.find((variant) => variant.key === 'off')?.key ?? member(raw, 'defaultVariant')
  if (typeof offVariant !== 'string') {
    return {
      kind: 'refused',
      key,
      reasons: ['there is neither a defaultVariant nor a variant "off" to switch off to'],
    }
  }
  const description = member(raw, 'description')
  const told = typeof description === 'string' && { description }
  // flagd shows every flag to every client.
  const flag = { key, valueType, variants, clientVisible: true, ...told }
  const state = { enabled: isEnabled, offVariant, ...targeting }
  const checks = [FlagCreate.safeParse(flag), FlagStatePatch.safeParse(state)]
  const reasons = checks.flatMap(({ error }) =>
    (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`),
  )
  return reasons.length > 0 ? { kind: 'refused', key, reasons } : { kind: 'ready', key, flag, state, notes }
}

function refuseUnknown(raw: JsonObject): void {
  const unknown = Object.keys(raw).filter((name) => !known.has(name))
  if (unknown.length > 0) refuse(`it has members that are not flagd's: ${unknown.join(', ')}`)
}

function readState(raw: JsonObject): boolean {
  const state = member(raw, 'state')
  if (state === 'ENABLED' || state === 'DISABLED') return state === 'ENABLED'
  return refuse('its state is neither ENABLED nor DISABLED')
}

function readVariants(raw: JsonObject): Variant[] {
  const variants = member(raw, 'variants')
  if (!isObject(variants) || Object.keys(variants).length === 0) return refuse('it has no variants')
  return Object.entries(variants).map(([key, value]) => ({ key, value }))
}

function readValueType(variants: readonly Variant[]): ValueType {
  const types = new Map(variants.map(({ key, value }) => [typeOf(value), key]))
  const [only = 'null', ...others] = types.keys()
  if (others.length > 0) {
    const named = [...types].map(([type, key]) => `${type} (${key})`).join(', ')
    refuse(`its variants are of different types: ${named}`)
  }
  return only === 'null' ? refuse('its variants are null') : only
}

function typeOf(value: Json): ValueType | 'null' {
  if (value === null) return 'null'
  const type = typeof value
  return type === 'string' || type === 'number' || type === 'boolean' ? type : 'json'
}

function readDefault(name: Json, variants: ReadonlySet<string>): string | null {
  if (name === null) return null
  if (typeof name === 'string' && variants.has(name)) return name
  return refuse(`its defaultVariant ${JSON.stringify(name)} is none of its variants`)
}

interface Resolution {
  readonly evaluators: JsonObject
  /** The references that are being resolved. */
  readonly open: readonly string[]
  nodes: number
}

/** Puts `$evaluators` in the place of each `$ref` to them. */
function resolve(logic: Json, at: Resolution): Json {
  at.nodes += 1
  if (at.nodes > nodesMax) refuse(`its targeting has more than ${nodesMax} parts`)
  if (Array.isArray(logic)) return logic.map((item) => resolve(item, at))
  if (!isObject(logic)) return logic
  const name = member(logic, '$ref')
  if (name === undefined || Object.keys(logic).length > 1) {
    return Object.fromEntries(Object.entries(logic).map(([key, item]) => [key, resolve(item, at)]))
  }
  const evaluator = typeof name === 'string' ? member(at.evaluators, name) : undefined
  if (typeof name !== 'string' || evaluator === undefined) {
    return refuse(`JsonLogic \`$ref\` to ${JSON.stringify(name)}, which is not among $evaluators`)
  }
  if (at.open.includes(name)) return refuse(`JsonLogic \`$ref\` to "${name}", which refers to itself`)
  const inner = { evaluators: at.evaluators, nodes: at.nodes, open: [...at.open, name] }
  const resolved = resolve(evaluator, inner)
  at.nodes = inner.nodes
  return resolved
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function member(value: JsonObject, name: string): Json | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined
}
