import { makeAnswer, makeErrorAnswer, type Answer } from './answer.ts'
import { attributeAt, readAttribute, type Attribute, type Attributes, type Run } from './attribute.ts'
import { parseSeed, type Seed } from './bucketing.ts'
import { compileCondition, type CompiledCondition } from './condition.ts'
import type { Json, Resolution } from './model.ts'
import { compileServe, serve, type CompiledServe, type ServeScope } from './serve.ts'
import {
  isShape,
  readBoolean,
  readList,
  readScalar,
  readShape,
  readText,
  refuse,
  type Shape,
} from './shape.ts'
import { readVariants, type Variants } from './variant.ts'

/** `fixed`: the same answer for every context, because of its line, its switch, or having nothing to target. */
export type CompiledFlag =
  | {
      readonly kind: 'fixed'
      readonly because: 'unreadable' | 'disabled' | 'untargeted'
      readonly clientVisible: boolean
      readonly answer: Answer
    }
  | {
      readonly kind: 'targeted'
      readonly clientVisible: boolean
      readonly overrides: readonly CompiledOverride[]
      readonly rules: readonly CompiledRule[]
      readonly fallthrough: CompiledServe
    }

export interface CompiledOverride {
  readonly attribute: Attribute
  readonly values: ReadonlySet<Json | undefined>
  readonly answer: Answer
}

export interface CompiledRule {
  readonly id: string
  readonly when: CompiledCondition
  readonly serve: CompiledServe
}

interface FlagScope {
  readonly key: string
  readonly attributes: Attributes
  readonly seed: Seed
  readonly variants: Variants
}

const rulesMax = 100
const flagMembers = new Set([
  'valueType',
  'variants',
  'seed',
  'clientVisible',
  'enabled',
  'offVariant',
  'overrides',
  'rules',
  'fallthrough',
])
const overrideMembers = new Set(['attribute', 'values', 'variant'])
const ruleMembers = new Set(['id', 'when', 'serve'])

/**
 * Compiles the JSON of a flag's line. Never throws: what it cannot read or does not know makes the flag answer
 * PARSE_ERROR. Such a flag is visible to class client only if its line still says so.
 */
export function compileFlag(key: string, json: string, attributes: Attributes): CompiledFlag {
  let raw: unknown
  try {
    raw = JSON.parse(json)
    return compile(key, readShape(raw, 'the flag', flagMembers), attributes)
  } catch (error) {
    // The flag answers with the error, and all others are untouched.
    const answer = makeErrorAnswer(key, 'PARSE_ERROR', error instanceof Error ? error.message : 'unreadable')
    const clientVisible = isShape(raw) && raw['clientVisible'] === true
    return { kind: 'fixed', because: 'unreadable', clientVisible, answer }
  }
}

/** The answer of a flag in a run. Here and below loops count, because V8 inlines them sooner than `for of`. */
export function decide(flag: CompiledFlag, run: Run): Answer {
  if (flag.kind === 'fixed') return flag.answer
  const { overrides, rules } = flag
  for (let i = 0; i < overrides.length; i++) {
    const override = overrides[i]
    if (override?.values.has(readAttribute(override.attribute, run))) return override.answer
  }
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]
    if (rule?.when.test(run)) return serve(rule.serve, run)
  }
  return serve(flag.fallthrough, run)
}

function compile(key: string, raw: Shape, attributes: Attributes): CompiledFlag {
  const seed = parseSeed(readText(raw['seed'], '"seed"')) ?? refuse('"seed" is not 16 hex digits')
  const scope = { key, attributes, seed, variants: readVariants(raw['variants'], raw['valueType']) }
  const clientVisible = readBoolean(raw['clientVisible'], '"clientVisible"')
  const off = answerWith(scope, readText(raw['offVariant'], '"offVariant"'), 'DISABLED')
  const overrides = readList(raw['overrides'], '"overrides"').map((item) => compileOverride(item, scope))
  const rules = readList(raw['rules'], '"rules"', rulesMax).map((item) => compileRule(item, scope))
  const isTargeted = overrides.length > 0 || rules.length > 0
  const fallthrough = compileServe(raw['fallthrough'], serveScope(scope, isTargeted ? 'DEFAULT' : 'STATIC'))
  if (!readBoolean(raw['enabled'], '"enabled"')) {
    return { kind: 'fixed', because: 'disabled', clientVisible, answer: off }
  }
  if (!isTargeted && fallthrough.kind === 'variant') {
    return { kind: 'fixed', because: 'untargeted', clientVisible, answer: fallthrough.answer }
  }
  return { kind: 'targeted', clientVisible, overrides, rules, fallthrough }
}

function compileOverride(raw: unknown, scope: FlagScope): CompiledOverride {
  const override = readShape(raw, 'an override', overrideMembers)
  const values = readList(override['values'], 'the values of an override')
  return {
    attribute: attributeAt(scope.attributes, readText(override['attribute'], 'the attribute of an override')),
    values: new Set(values.map((value) => readScalar(value, 'a value of an override'))),
    answer: answerWith(scope, readText(override['variant'], 'the variant of an override'), 'TARGETING_MATCH'),
  }
}

function compileRule(raw: unknown, scope: FlagScope): CompiledRule {
  const rule = readShape(raw, 'a rule', ruleMembers)
  const id = readText(rule['id'], 'the id of a rule')
  const when = compileCondition(rule['when'], scope.attributes)
  return { id, when, serve: compileServe(rule['serve'], serveScope(scope, 'TARGETING_MATCH', id)) }
}

function serveScope(scope: FlagScope, reason: Resolution['reason'], ruleId?: string): ServeScope {
  return {
    attributes: scope.attributes,
    seed: scope.seed,
    variantAnswer: (variant) => answerWith(scope, variant, reason, ruleId),
    splitAnswer: (variant) => answerWith(scope, variant, 'SPLIT', ruleId),
    errorAnswer: (code, details) => makeErrorAnswer(scope.key, code, details),
  }
}

function answerWith(
  scope: FlagScope,
  variant: string,
  reason: Resolution['reason'],
  ruleId?: string,
): Answer {
  const value = scope.variants.get(variant)
  if (value === undefined) refuse(`there is no variant "${variant}"`)
  return makeAnswer({ key: scope.key, value, variant, reason }, ruleId)
}
