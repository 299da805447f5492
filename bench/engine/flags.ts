/** The flags of the scenarios. Everything is drawn from a seeded generator, so that each run measures the same. */
import type { Condition, EvaluationContext, FlagConfig, Rule, Serve } from '@halyard/shared/engine/model.ts'

export type Flags = ReadonlyMap<string, FlagConfig>

const countries = [
  'AT',
  'BE',
  'CH',
  'DE',
  'DK',
  'ES',
  'FI',
  'FR',
  'IT',
  'NL',
  'NO',
  'PL',
  'PT',
  'SE',
  'UK',
  'US',
]
const plans = ['free', 'starter', 'team', 'business', 'enterprise']
const off: Serve = { variant: 'off' }
const on: Serve = { variant: 'on' }

/** Mulberry32: a small generator of numbers in [0, 1). Source: github.com/bryc/code, jshash/PRNGs.md. */
export function makeRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A: a boolean with no rules. */
export function plainFlags(): Flags {
  return new Map([['new-checkout', makeFlag(1, { fallthrough: on })]])
}

/** B: five rules of two conditions each, of which `contexts` match only the last. */
export function ruleFlags(): Flags {
  const rules = Array.from({ length: 5 }, (_, i): Rule => {
    const listed = Array.from({ length: 10 }, (_, j) => (i === 4 && j === 9 ? 'acme' : `company-${i}-${j}`))
    return {
      id: `rule-${i}`,
      when: {
        all: [
          { attribute: 'visits', op: 'gt', value: 10 + i },
          { attribute: 'company', op: 'in', values: listed },
        ],
      },
      serve: on,
    }
  })
  return new Map([['company-feature', makeFlag(2, { rules })]])
}

/** C: a rollout to 20 % by user. */
export function rolloutFlags(): Flags {
  return new Map([['gradual-rollout', makeFlag(3, { fallthrough: rollout(20_000) })]])
}

/** E, F, G: in ten flags three plain, one disabled, three with rules, three with a rollout, one of them with rules and an override. */
export function mixedFlags(count: number): Flags {
  const random = makeRandom(count)
  return new Map(
    Array.from({ length: count }, (_, i) => [`feature-${String(i).padStart(4, '0')}`, mixedFlag(i, random)]),
  )
}

/** Contexts as applications send them: a user, where they are and what they pay. */
export function makeContexts(count: number): EvaluationContext[] {
  const random = makeRandom(7)
  return Array.from({ length: count }, (_, i) => ({
    targetingKey: `user-${100_000 + i}`,
    company: 'acme',
    country: pick(countries, random),
    plan: pick(plans, random),
    email: `user${i}@example.com`,
    visits: 20 + Math.floor(random() * 100),
  }))
}

function mixedFlag(i: number, random: () => number): FlagConfig {
  const kind = i % 10
  if (kind < 3) return makeFlag(i, { fallthrough: on })
  if (kind === 3) return makeFlag(i, { enabled: false })
  if (kind < 7) return makeFlag(i, { rules: [mixedRule('first', random), mixedRule('second', random)] })
  if (kind < 9) return makeFlag(i, { fallthrough: rollout(Math.floor(random() * 100_000)) })
  return makeFlag(i, {
    overrides: [{ attribute: 'targetingKey', values: ['tester-1', 'tester-2'], variant: 'on' }],
    rules: [mixedRule('first', random)],
    fallthrough: rollout(50_000),
  })
}

function mixedRule(id: string, random: () => number): Rule {
  const choices: Condition[] = [
    { attribute: 'country', op: 'in', values: [pick(countries, random), pick(countries, random)] },
    { attribute: 'plan', op: 'eq', value: pick(plans, random) },
    { attribute: 'visits', op: 'gt', value: Math.floor(random() * 120) },
    { attribute: 'email', op: 'startsWith', values: [`user${Math.floor(random() * 10)}`] },
    { attribute: 'country', op: 'in', values: [pick(countries, random)], negate: true },
  ]
  return { id, when: { all: [pick(choices, random), pick(choices, random)] }, serve: on }
}

function makeFlag(number: number, state: Partial<FlagConfig>): FlagConfig {
  return {
    valueType: 'boolean',
    variants: [
      { key: 'on', value: true },
      { key: 'off', value: false },
    ],
    seed: (number * 0x9e3779b97f4a).toString(16).padStart(16, '0').slice(-16),
    clientVisible: number % 2 === 0,
    enabled: true,
    offVariant: 'off',
    overrides: [],
    rules: [],
    fallthrough: off,
    ...state,
  }
}

function rollout(weight: number): Serve {
  const weights = [
    { variant: 'on', weight },
    { variant: 'off', weight: 100_000 - weight },
  ]
  return { split: { by: 'targetingKey', weights } }
}

function pick<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}
