import { makeAnswer, makeErrorAnswer, type Answer } from './answer.ts'
import { readAttribute, type Attribute, type Run } from './attribute.ts'
import { compileCondition, readFlagVariants, type CompiledCondition } from './condition.ts'
import { compileSample, pass, type Gate } from './gate.ts'
import type { Json, Metadata, Resolution } from './model.ts'
import { compileServe, serve, type CompiledServe, type ServeScope, type Unbucketed } from './serve.ts'
import {
  isShape,
  readBoolean,
  readList,
  readMoment,
  readScalar,
  readSeed,
  readShape,
  readText,
  refuse,
  type Shape,
} from './shape.ts'
import { makeTimes } from './times.ts'
import { readVariants } from './variant.ts'
import {
  readAt,
  referToFlag,
  type Fault,
  type FlagEntry,
  type Reach,
  type Scope,
  type World,
} from './world.ts'

/** `fixed`: the same answer for every context, because of its line, its switch, or having nothing to target. */
export type CompiledFlag = FixedFlag | TargetedFlag

interface Compiled {
  readonly clientVisible: boolean
  readonly reach: Reach
  /** How many references lie one below the other from here. */
  height: number
}

export interface FixedFlag extends Compiled {
  readonly kind: 'fixed'
  readonly because: 'unreadable' | 'disabled' | 'untargeted'
  readonly answer: Answer
}

export interface TargetedFlag extends Compiled {
  readonly kind: 'targeted'
  /** What can end the flag before its targets; most have neither. */
  readonly guard: Guard | null
  readonly overrides: readonly CompiledOverride[]
  readonly rules: readonly CompiledRule[]
  readonly fallthrough: CompiledServe
  /** The error answer of a fault met on the way. */
  readonly faultAnswer: (fault: Fault) => Answer
}

export interface Guard {
  /** From `at`, in epoch milliseconds, on. */
  readonly expiry: { readonly at: number; readonly answer: Answer } | null
  readonly prerequisites: readonly CompiledPrerequisite[]
}

export interface CompiledPrerequisite {
  readonly key: string
  readonly variants: ReadonlySet<string>
  readonly entry: FlagEntry | undefined
  /** What is answered if it is not met. */
  readonly unmet: Answer
}

export interface CompiledOverride {
  readonly attribute: Attribute
  readonly values: ReadonlySet<Json | undefined>
  readonly answer: Answer
  /** Epoch milliseconds; Infinity if it has no end. */
  readonly until: number
}

export interface CompiledRule {
  readonly id: string
  readonly when: CompiledCondition
  /** Of the contexts that match, those that pass all of these are served; the others go on. */
  readonly gates: readonly Gate[]
  readonly serve: CompiledServe
}

interface FlagScope extends ServeScope {
  readonly key: string
  readonly answer: (variant: string, reason: Resolution['reason'], metadata?: Metadata) => Answer
}

const noReach: Reach = { attributes: [], times: makeTimes(), references: [] }
const rulesMax = 100
const flagMembers = new Set([
  'valueType',
  'variants',
  'seed',
  'clientVisible',
  'enabled',
  'offVariant',
  'expiry',
  'prerequisites',
  'overrides',
  'rules',
  'fallthrough',
])
const expiryMembers = new Set(['at', 'variant'])
const prerequisiteMembers = new Set(['flag', 'variants'])
const overrideMembers = new Set(['attribute', 'values', 'variant', 'until'])
const ruleMembers = new Set(['id', 'when', 'sample', 'serve'])

/**
 * Compiles the JSON of a flag's line. Never throws: what it cannot read or does not know makes the flag answer
 * PARSE_ERROR. Such a flag is visible to class client only if its line still says so.
 */
export function compileFlag(key: string, json: string, world: World): CompiledFlag {
  let raw: unknown
  try {
    raw = JSON.parse(json)
    return compile(key, readShape(raw, 'the flag', flagMembers), world)
  } catch (error) {
    // The flag answers with the error, and all others are untouched.
    const isVisible = isShape(raw) && raw['clientVisible'] === true
    return failedFlag(key, isVisible, error instanceof Error ? error.message : 'unreadable')
  }
}

/** A flag that always answers with the error of its line. */
export function failedFlag(key: string, clientVisible: boolean, problem: string): FixedFlag {
  const answer = makeErrorAnswer(key, 'PARSE_ERROR', problem)
  return { kind: 'fixed', because: 'unreadable', clientVisible, answer, reach: noReach, height: 1 }
}

/** The answer of a flag in a run. Here and below loops count, because V8 inlines them sooner than `for of`. */
export function decide(flag: CompiledFlag, run: Run, world: World): Answer {
  if (flag.kind === 'fixed') return flag.answer
  const { guard, overrides, rules } = flag
  if (guard !== null) {
    const end = decideGuard(guard, run, world)
    if (end !== null) return end
  }
  for (let i = 0; i < overrides.length; i++) {
    const override = overrides[i]
    if (override?.values.has(readAttribute(override.attribute, run)) && run.now < override.until) {
      return override.answer
    }
  }
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]
    if (rule === undefined) continue
    if (rule.when.test(run)) {
      const answer = rule.gates.length === 0 ? serve(rule.serve, run) : serveGated(rule, run)
      if (answer !== null) return answer
    } else if (rule.when.canFail && run.fault !== null) return takeFault(flag, run)
  }
  return serveFallthrough(flag.fallthrough, run)
}

/** The answer of a rule that matched, or null if it does not take the context. */
export function serveGated(rule: CompiledRule, run: Run): Answer | null {
  for (const gate of rule.gates) {
    const passed = pass(gate, run)
    if (passed !== true) return passed === false ? null : passed
  }
  return serve(rule.serve, run)
}

export function serveFallthrough(fallthrough: CompiledServe, run: Run): Answer {
  if (fallthrough.kind !== 'split' || fallthrough.slot === null || fallthrough.outside === null) {
    return serve(fallthrough, run)
  }
  const passed = pass(fallthrough.slot, run)
  if (passed === true) return serve(fallthrough, run)
  return passed === false ? fallthrough.outside : passed
}

/** The answer of the fault that the run has met, which ends with it. */
export function takeFault({ faultAnswer }: TargetedFlag, run: Run): Answer {
  const { fault } = run
  if (fault === null) throw new Error('a fault is taken only where one is') // never: the callers check
  run.fault = null
  return faultAnswer(fault)
}

/** Whether a prerequisite is met: never by a flag that is missing, errs, or is off. */
export function isMet(prerequisite: CompiledPrerequisite, run: Run, world: World): boolean {
  if (!prerequisite.entry) return false
  const { given } = world.decideFlag(prerequisite.entry, run)
  return given !== null && prerequisite.variants.has(given)
}

function decideGuard({ expiry, prerequisites }: Guard, run: Run, world: World): Answer | null {
  if (expiry !== null && run.now >= expiry.at) return expiry.answer
  for (const prerequisite of prerequisites) if (!isMet(prerequisite, run, world)) return prerequisite.unmet
  return null
}

function compile(key: string, raw: Shape, world: World): CompiledFlag {
  const reach: Reach = { attributes: [], times: makeTimes(), references: [] }
  const scope = makeScope(key, raw, { world, reach })
  const clientVisible = readBoolean(raw['clientVisible'], '"clientVisible"')
  const off = scope.answer(readText(raw['offVariant'], '"offVariant"'), 'DISABLED')
  // The kill switch works also where a reader does not know what is behind it.
  if (!readBoolean(raw['enabled'], '"enabled"')) {
    return { kind: 'fixed', because: 'disabled', clientVisible, answer: off, reach: noReach, height: 1 }
  }
  const guard = compileGuard(raw, scope)
  const overrides = readList(raw['overrides'], '"overrides"').map((item) => compileOverride(item, scope))
  const rules = readList(raw['rules'], '"rules"', rulesMax).map((item) => compileRule(item, scope))
  const isTargeted = overrides.length + rules.length + (guard?.prerequisites.length ?? 0) > 0
  const fallthrough = compileFallthrough(
    raw['fallthrough'],
    serving(scope, isTargeted ? 'DEFAULT' : 'STATIC'),
  )
  if (!isTargeted && guard === null && fallthrough.kind === 'variant') {
    const { answer } = fallthrough
    return { kind: 'fixed', because: 'untargeted', clientVisible, answer, reach: noReach, height: 1 }
  }
  const faultAnswer = makeFaultAnswers(key)
  return {
    kind: 'targeted',
    clientVisible,
    guard,
    overrides,
    rules,
    fallthrough,
    faultAnswer,
    reach,
    height: 1,
  }
}

function makeScope(key: string, raw: Shape, { world, reach }: Scope): FlagScope {
  const variants = readVariants(raw['variants'], raw['valueType'])
  const answer: FlagScope['answer'] = (variant, reason, metadata) => {
    const value = variants.get(variant)
    if (value === undefined) refuse(`there is no variant "${variant}"`)
    return makeAnswer({ key, value, variant, reason }, metadata)
  }
  return {
    key,
    world,
    reach,
    seed: readSeed(raw['seed'], '"seed"'),
    answer,
    variantAnswer: (variant) => answer(variant, 'STATIC'),
    splitAnswer: (variant) => answer(variant, 'SPLIT'),
    unbucketed: (path) => makeUnbucketed(key, path),
  }
}

/** The scope of what gives its answers for this reason and, in a rule, by its id. */
function serving(scope: FlagScope, reason: Resolution['reason'], metadata?: Metadata): FlagScope {
  return {
    ...scope,
    variantAnswer: (variant) => scope.answer(variant, reason, metadata),
    splitAnswer: (variant) => scope.answer(variant, 'SPLIT', metadata),
  }
}

function compileGuard(raw: Shape, scope: FlagScope): Guard | null {
  const expiry = raw['expiry'] === undefined ? null : compileExpiry(raw['expiry'], scope)
  const listed = raw['prerequisites'] === undefined ? [] : readList(raw['prerequisites'], '"prerequisites"')
  const offVariant = readText(raw['offVariant'], '"offVariant"')
  const prerequisites = listed.map((item): CompiledPrerequisite => {
    const prerequisite = readShape(item, 'a prerequisite', prerequisiteMembers)
    const key = readText(prerequisite['flag'], 'the flag of a prerequisite')
    const unmet = scope.answer(offVariant, 'DISABLED', { prerequisite: key })
    return {
      key,
      variants: readFlagVariants(prerequisite['variants']),
      entry: referToFlag(scope, key),
      unmet,
    }
  })
  return expiry !== null || prerequisites.length > 0 ? { expiry, prerequisites } : null
}

function compileExpiry(raw: unknown, scope: FlagScope): NonNullable<Guard['expiry']> {
  const expiry = readShape(raw, 'the expiry', expiryMembers)
  const at = readMoment(expiry['at'], 'the moment of the expiry')
  scope.reach.times.moments.push(at)
  const variant = readText(expiry['variant'], 'the variant of the expiry')
  return { at, answer: scope.answer(variant, 'DISABLED', { expired: true }) }
}

function compileOverride(raw: unknown, scope: FlagScope): CompiledOverride {
  const override = readShape(raw, 'an override', overrideMembers)
  const values = readList(override['values'], 'the values of an override')
  const until =
    override['until'] === undefined ? Infinity : readMoment(override['until'], 'the end of an override')
  if (until !== Infinity) scope.reach.times.moments.push(until)
  return {
    attribute: readAt(scope, readText(override['attribute'], 'the attribute of an override')),
    values: new Set(values.map((value) => readScalar(value, 'a value of an override'))),
    answer: scope.answer(readText(override['variant'], 'the variant of an override'), 'TARGETING_MATCH'),
    until,
  }
}

function compileRule(raw: unknown, scope: FlagScope): CompiledRule {
  const rule = readShape(raw, 'a rule', ruleMembers)
  const id = readText(rule['id'], 'the id of a rule')
  const when = compileCondition(rule['when'], scope)
  const gates = rule['sample'] === undefined ? [] : [compileSample(rule['sample'], scope)]
  const serve = compileServe(rule['serve'], serving(scope, 'TARGETING_MATCH', { ruleId: id }))
  if (serve.kind === 'split' && serve.slot) gates.push(serve.slot)
  if (serve.kind === 'split' && serve.outside) refuse('the split of a rule has an outside')
  return { id, when, gates, serve }
}

function compileFallthrough(raw: unknown, scope: FlagScope): CompiledServe {
  const serve = compileServe(raw, scope)
  if (serve.kind === 'split' && serve.slot && !serve.outside) {
    refuse('the fallthrough has a layer and no variant for the contexts outside')
  }
  return serve
}

/** Made when they are needed: few contexts are without a bucket. */
function makeUnbucketed(key: string, path: string): Unbucketed {
  let missing: Answer | null = null
  let invalid: Answer | null = null
  return (lack) =>
    lack === 'missing'
      ? (missing ??= makeErrorAnswer(
          key,
          'TARGETING_KEY_MISSING',
          `the context has no "${path}" to bucket by`,
        ))
      : (invalid ??= makeErrorAnswer(key, 'INVALID_CONTEXT', `"${path}" is neither a text nor a number`))
}

function makeFaultAnswers(key: string): (fault: Fault) => Answer {
  const answers = new Map<Fault, Answer>()
  return (fault) => {
    let answer = answers.get(fault)
    if (!answer) answers.set(fault, (answer = makeErrorAnswer(key, fault.code, fault.details)))
    return answer
  }
}
