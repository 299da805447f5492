import type { Variant } from '../engine/model.ts'
import type { Serve } from '../contract/serve.ts'
import type { AppliedFlagState } from './applied-state.ts'
import type { WrongField } from './wrong-field.ts'
import { conditionErrors, type Spent } from './condition-errors.ts'
import { noVariant } from './definition-errors.ts'

interface Own {
  readonly variants: readonly Variant[]
  readonly seed: string
}

/**
 * Every way in which a state breaks rules that its flag alone can judge, but for the conditions of its rules. References
 * to others are checked once it is written.
 */
export function stateErrors(state: AppliedFlagState, flag: Own, at: string): WrongField[] {
  return [
    ...variantErrors(state, flag, at),
    ...state.rules.flatMap(({ serve }, i) => outsideOfRule(serve, `${at}/rules/${i}/serve`)),
    ...outsideOfFallthrough(state.fallthrough, `${at}/fallthrough`),
    ...repeatedIds(state, at),
    ...sharedSeeds(state, flag.seed, at),
  ]
}

/** Every variant that a state names and its flag does not have. */
export function variantErrors(
  state: AppliedFlagState,
  { variants }: Pick<Own, 'variants'>,
  at: string,
): WrongField[] {
  return variantUses(state, at)
    .filter(({ variant }) => !variants.some(({ key }) => key === variant))
    .map(({ variant, pointer }) => noVariant(variant, variants, pointer))
}

/** Comparisons in the rules of a state that the engine would refuse. */
export function ruleErrors({ rules }: AppliedFlagState, at: string, spent: Spent): WrongField[] {
  return rules.flatMap(({ when }, i) => conditionErrors(when, `${at}/rules/${i}/when`, spent))
}

interface VariantUse {
  readonly variant: string
  readonly pointer: string
}

function variantUses(
  { offVariant, overrides, rules, fallthrough }: AppliedFlagState,
  at: string,
): VariantUse[] {
  return [
    { variant: offVariant, pointer: `${at}/offVariant` },
    ...overrides.map(({ variant }, i) => ({ variant, pointer: `${at}/overrides/${i}/variant` })),
    ...rules.flatMap(({ serve }, i) => serveUses(serve, `${at}/rules/${i}/serve`)),
    ...serveUses(fallthrough, `${at}/fallthrough`),
  ]
}

function serveUses(serve: Serve, at: string): VariantUse[] {
  if ('variant' in serve) return [{ variant: serve.variant, pointer: `${at}/variant` }]
  if ('ramp' in serve) {
    const { from, to } = serve.ramp
    return [
      { variant: from, pointer: `${at}/ramp/from` },
      { variant: to, pointer: `${at}/ramp/to` },
    ]
  }
  const { weights, outside } = serve.split
  return [
    ...weights.map(({ variant }, i) => ({ variant, pointer: `${at}/split/weights/${i}/variant` })),
    ...(outside === undefined ? [] : [{ variant: outside, pointer: `${at}/split/outside` }]),
  ]
}

function outsideOfRule(serve: Serve, at: string): WrongField[] {
  if (!('split' in serve) || serve.split.outside === undefined) return []
  const detail = 'is for the fallthrough only: a rule passes the contexts outside its slot on to the next'
  return [{ pointer: `${at}/split/outside`, detail }]
}

function outsideOfFallthrough(serve: Serve, at: string): WrongField[] {
  if (!('split' in serve)) return []
  const { layer, outside } = serve.split
  const pointer = `${at}/split/outside`
  if (layer && outside === undefined) {
    return [{ pointer, detail: 'is required with a layer: the variant of the contexts outside the slot' }]
  }
  return !layer && outside !== undefined ? [{ pointer, detail: 'needs a layer' }] : []
}

function repeatedIds({ rules }: AppliedFlagState, at: string): WrongField[] {
  const first = new Map(rules.map(({ id }, i) => [id, i] as const).toReversed())
  return rules.flatMap(({ id }, i) =>
    first.get(id) === i ? [] : [{ pointer: `${at}/rules/${i}/id`, detail: 'is used twice' }],
  )
}

/** With a shared seed two choices are one: a 20 % sample of a 50/50 split would give 100 to 0. */
function sharedSeeds({ rules }: AppliedFlagState, flagSeed: string, at: string): WrongField[] {
  const taken = new Set([flagSeed])
  return rules.flatMap(({ sample }, i) => {
    if (!sample) return []
    const isShared = taken.has(sample.seed)
    taken.add(sample.seed)
    const detail = "is the flag's or another rule's; leave it out for one of its own"
    return isShared ? [{ pointer: `${at}/rules/${i}/sample/seed`, detail }] : []
  })
}
