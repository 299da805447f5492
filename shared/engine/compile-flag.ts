import { makeAnswer, makeErrorAnswer, type Answer } from './answer.ts'
import { compileCondition, readFlagVariants } from './condition.ts'
import type {
  CompiledFlag,
  CompiledOverride,
  CompiledPrerequisite,
  CompiledRule,
  FixedFlag,
  Guard,
} from './flag.ts'
import { compileSample } from './gate.ts'
import type { Metadata, Resolution } from './model.ts'
import { compileServe, type CompiledServe, type ServeScope, type Unbucketed } from './serve.ts'
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
import { readAt, referToFlag, type Fault, type Reach, type Scope, type World } from './world.ts'

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
