/** flagd's targeting as rules and a fallthrough: `if` chains whose results are variants or a split. */
import type { Condition } from '@halyard/shared/contract/condition.ts'
import type { FlagStatePatch } from '@halyard/shared/contract/flag.ts'
import type { Serve } from '@halyard/shared/contract/serve.ts'
import type { Json } from '@halyard/shared/engine/model.ts'
import { readCondition } from './flagd-condition.ts'
import { isVar, readOperation, type ConditionScope } from './flagd-operands.ts'
import { isScalar } from './json-logic.ts'
import { refuse } from './refuse.ts'

export interface TargetingScope extends ConditionScope {
  readonly variants: ReadonlySet<string>
  /** Null where flagd would let the caller's own default stand. */
  readonly defaultVariant: string | null
  /** Whether users may move to other buckets, which flagd computes otherwise. */
  readonly mayRebucket: boolean
}

export type Targeting = Required<Pick<FlagStatePatch, 'rules' | 'fallthrough'>>

interface Branch {
  readonly when: readonly Condition[]
  readonly serve: Serve
}

/** What a flag serves, by its `targeting`; none, or an empty one, serves the default variant. */
export function readTargeting(logic: Json | undefined, scope: TargetingScope): Targeting {
  const isEmpty = logic === undefined || logic === null || JSON.stringify(logic) === '{}'
  const branches = isEmpty
    ? []
    : readBranches(isDecision(logic) ? logic : asShorthand(logic, scope), [], scope)
  const rules = branches.slice(0, -1).map(({ when, serve }) => {
    const [first, second] = when
    return { when: first && !second ? first : { all: [...when] }, serve }
  })
  return { rules, fallthrough: branches.at(-1)?.serve ?? serveDefault(scope) }
}

function isDecision(logic: Json): boolean {
  return ['if', 'fractional'].includes(readOperation(logic)[0])
}

/** A bare condition answers `true` or `false`, which are names of variants. */
function asShorthand(logic: Json, scope: TargetingScope): Json {
  if (!isStrict(logic) && scope.defaultVariant !== 'false') {
    refuse('targeting that is a condition may give null, which is not the variant "false"; write it as `if`')
  }
  return { if: [logic, true, false] }
}

/** Whether a condition gives true or false and nothing else. */
function isStrict(logic: Json): boolean {
  if (typeof logic === 'boolean') return true
  if (isScalar(logic) || isVar(logic))
    return refuse('targeting that is an attribute or a value; write it as `if`')
  const [operator, operands] = readOperation(logic)
  if (operator === 'and' || operator === 'or') return operands.every(isStrict)
  // On an attribute that is no text or version some evaluators give null.
  return !['starts_with', 'ends_with', 'sem_ver', 'if'].includes(operator)
}

/**
 * The branches in order, of which the first that matches serves; the last one has no condition beyond `guards`. A
 * branch needs no word on those before it.
 */
function readBranches(logic: Json, guards: readonly Condition[], scope: TargetingScope): Branch[] {
  if (typeof logic !== 'object' || logic === null) return [{ when: guards, serve: serveResult(logic, scope) }]
  const [operator, operands] = readOperation(logic)
  if (operator === 'fractional') return [{ when: guards, serve: readFractional(operands, scope) }]
  if (operator !== 'if') refuse(`JsonLogic \`${operator}\` cannot be expressed as a result`)
  const branches: Branch[] = []
  for (let i = 0; i + 1 < operands.length; i += 2) {
    const [condition = null, result = null] = operands.slice(i)
    branches.push(...readBranches(result, [...guards, readCondition(condition, scope)], scope))
  }
  const last = operands.length % 2 === 1 ? (operands.at(-1) ?? null) : null
  return [...branches, ...readBranches(last, guards, scope)]
}

function serveResult(result: Exclude<Json, object> | null, scope: TargetingScope): Serve {
  if (result === null) return serveDefault(scope)
  if (typeof result === 'number') return refuse(`the result ${result} is a number, not the name of a variant`)
  return serveVariant(String(result), scope)
}

function serveVariant(variant: string, { variants }: TargetingScope): Serve {
  return variants.has(variant)
    ? { variant }
    : refuse(`targeting gives "${variant}", which is no variant of the flag`)
}

function serveDefault({ defaultVariant }: TargetingScope): Serve {
  if (defaultVariant !== null) return { variant: defaultVariant }
  return refuse('there is no defaultVariant: flagd leaves the value to the caller, which no rule can do')
}

/** Shares by weight. A value that is missing gets the default variant from flagd, and an error here. */
function readFractional(operands: readonly Json[], scope: TargetingScope): Serve {
  if (!scope.mayRebucket)
    refuse(
      'JsonLogic `fractional` buckets otherwise than Halyard: users would move between variants; say --rebucket if they may',
    )
  const [first = null, ...others] = operands
  const isKeyed = !Array.isArray(first)
  const by = isKeyed ? readBucketing(first) : 'targetingKey'
  const shares = (isKeyed ? others : operands).map((share) => readShare(share, scope))
  const total = shares.reduce((sum, { weight }) => sum + weight, 0)
  if (total <= 0) refuse('JsonLogic `fractional` without weights')
  const weights = new Map<string, number>()
  let sum = 0
  for (const { variant, weight } of shares) {
    // From bound to bound, so that rounding never adds up.
    const from = Math.round((sum * 100_000) / total)
    sum += weight
    weights.set(variant, (weights.get(variant) ?? 0) + Math.round((sum * 100_000) / total) - from)
  }
  scope.note('users move between variants: flagd buckets otherwise')
  return { split: { by, weights: [...weights].map(([variant, weight]) => ({ variant, weight })) } }
}

/** An attribute, alone or joined with the flag's key, which here decides the buckets anyway. */
function readBucketing(logic: Json): string {
  if (isScalar(logic) || logic === null) return refuse('JsonLogic `fractional` by a fixed value')
  const [operator, operands] = readOperation(logic)
  if (operator === 'cat') {
    const [flagKey = null, attribute = null, ...more] = operands
    const isByFlag = more.length === 0 && isVar(flagKey) && readOperation(flagKey)[1][0] === '$flagd.flagKey'
    if (isByFlag && isVar(attribute)) return readBucketing(attribute)
  }
  const [path, ...rest] = operands
  const isPlain =
    operator === 'var' && typeof path === 'string' && /^[^.$\d][^.]*(?:\.[^.\d][^.]*)*$/.test(path)
  return isPlain && rest.length === 0
    ? path
    : refuse(`JsonLogic \`fractional\` by \`${operator}\` cannot be expressed`)
}

function readShare(share: Json, scope: TargetingScope): { variant: string; weight: number } {
  if (!Array.isArray(share) || share.length > 2)
    return refuse('JsonLogic `fractional` with a share that is no list of variant and weight')
  const [result = null, weight = 1]: readonly Json[] = share
  if (typeof weight !== 'number' || !Number.isSafeInteger(weight) || weight < 0)
    return refuse('JsonLogic `fractional` with a weight that is no whole number')
  if (result !== null && !isScalar(result)) return refuse('JsonLogic `fractional` with a computed variant')
  const serve = serveResult(result, scope)
  return 'variant' in serve
    ? { variant: serve.variant, weight }
    : refuse('JsonLogic `fractional` within another')
}
