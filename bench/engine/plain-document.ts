/** What the scenarios evaluate, in no product's words: each product writes it in its own format. */

/** A boolean flag. Its testers get true, then the first rule that matches decides, then `percent` of the rest get true. */
export interface PlainFlag {
  readonly key: string
  readonly isEnabled: boolean
  /** Targeting keys. */
  readonly testers: readonly string[]
  readonly rules: readonly PlainRule[]
  /** Whole percent, because one product knows no others. */
  readonly percent: number
}

/**
 * All tests must pass. Below 100 percent it is a flag's last rule and the flag's own share is 0, because some products
 * end at a rule that matches and others go on with those outside its share.
 */
export interface PlainRule {
  readonly tests: readonly PlainTest[]
  readonly percent: number
}

export type PlainTest =
  | { readonly kind: 'in' | 'notIn'; readonly attribute: TextAttribute; readonly values: readonly string[] }
  | { readonly kind: 'startsWith' | 'endsWith'; readonly attribute: TextAttribute; readonly value: string }
  | { readonly kind: 'above'; readonly attribute: 'visits'; readonly value: number }
  | { readonly kind: 'versionAtLeast'; readonly attribute: 'appVersion'; readonly value: string }
  | { readonly kind: 'segment'; readonly segment: string }

/** Either a list of targeting keys, or tests that must all pass. */
export interface PlainSegment {
  readonly key: string
  readonly ids: readonly string[]
  readonly tests: readonly Exclude<PlainTest, { kind: 'segment' }>[]
}

export interface PlainDocument {
  readonly flags: readonly PlainFlag[]
  readonly segments: readonly PlainSegment[]
}

/** What applications send: a user, where they are, what they pay, which version of the app they run. */
export interface PlainContext {
  readonly targetingKey: string
  readonly company: string
  readonly country: string
  readonly plan: string
  readonly email: string
  readonly visits: number
  readonly appVersion: string
}

type TextAttribute = 'targetingKey' | 'company' | 'country' | 'plan' | 'email'

const countries = 'AT BE CH DE DK ES FI FR IT NL NO PL PT SE UK US'.split(' ')
const plans = ['free', 'starter', 'team', 'business', 'enterprise']
const domains = ['example.com', 'shop.example', 'mail.example']
const firstUser = 100_000

/** A: a boolean with no rules. */
export function plainDocument(): PlainDocument {
  return { flags: [makeFlag('new-checkout', { percent: 100 })], segments: [] }
}

/**
 * B: five rules, each with a list of ten companies and a least version. Two fail by their list, two by their version,
 * the last holds.
 */
export function ruleDocument(): PlainDocument {
  const rules = Array.from({ length: 5 }, (_, i): PlainRule => {
    const companies = Array.from({ length: 10 }, (_, j) =>
      j === 9 && (i === 4 || i % 2 === 1) ? 'acme' : `company-${i}-${j}`,
    )
    return {
      tests: [
        { kind: 'in', attribute: 'company', values: companies },
        { kind: 'versionAtLeast', attribute: 'appVersion', value: i % 2 === 0 ? '2.0.0' : `9.${i}.0` },
      ],
      percent: 100,
    }
  })
  return { flags: [makeFlag('company-feature', { rules })], segments: [] }
}

/** C: a rollout to 20 % by user. */
export function rolloutDocument(): PlainDocument {
  return { flags: [makeFlag('gradual-rollout', { percent: 20 })], segments: [] }
}

/** D: a segment that lists 10,000 users. Every other user of `makeContexts` is one of them, all over the list. */
export function segmentDocument(): PlainDocument {
  const random = makeRandom(4)
  const ids = Array.from({ length: 10_000 }, (_, i) => `user-${firstUser + 2 * i}`)
  for (let i = ids.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[ids[i], ids[j]] = [ids[j] ?? '', ids[i] ?? '']
  }
  const rules: PlainRule[] = [{ tests: [{ kind: 'segment', segment: 'invited' }], percent: 100 }]
  return { flags: [makeFlag('invitation', { rules })], segments: [{ key: 'invited', ids, tests: [] }] }
}

/**
 * E, F, G. In each ten flags: three served to all, one switched off, one with a rule of three tests, one with two rules
 * of two, one with a segment, two rollouts of which one begins with a rule, and one with testers, rules and a rollout.
 */
export function mixedDocument(count: number): PlainDocument {
  const random = makeRandom(count)
  const flags = Array.from({ length: count }, (_, i) => mixedFlag(i, random))
  const ids = Array.from({ length: 50 }, (_, i) => `user-${firstUser + 3 * i}`)
  return {
    flags,
    segments: [
      { key: 'beta-testers', ids, tests: [] },
      { key: 'paying', ids: [], tests: [{ kind: 'notIn', attribute: 'plan', values: ['free'] }] },
    ],
  }
}

export function makeContexts(count: number): PlainContext[] {
  const random = makeRandom(7)
  return Array.from({ length: count }, (_, i) => ({
    targetingKey: `user-${firstUser + i}`,
    company: 'acme',
    country: pick(countries, random),
    plan: pick(plans, random),
    email: `user${i}@${pick(domains, random)}`,
    visits: 20 + Math.floor(random() * 100),
    appVersion: `2.${Math.floor(random() * 12)}.${Math.floor(random() * 20)}`,
  }))
}

/** As `makeContexts`, with companies and versions at which the rules of B turn. */
export function makeVariedContexts(count: number): PlainContext[] {
  const random = makeRandom(11)
  return makeContexts(count).map((context) => ({
    ...context,
    company: pick(['acme', 'acme', 'company-2-3', 'company-4-0', 'other'], random),
    appVersion: random() < 0.5 ? context.appVersion : pick(['1.9.9', '2.0.0', '9.2.0', '10.1.3'], random),
  }))
}

function mixedFlag(i: number, random: () => number): PlainFlag {
  const key = `feature-${String(i).padStart(4, '0')}`
  const rule = (length: number, percent = 100): PlainRule => ({ tests: pickTests(length, random), percent })
  const share = () => 1 + Math.floor(random() * 99)
  switch (i % 10) {
    case 3:
      return makeFlag(key, { isEnabled: false })
    case 4:
      return makeFlag(key, { rules: [rule(3)] })
    case 5:
      return makeFlag(key, { rules: [rule(2), rule(2)] })
    case 6: {
      const segment = pick(['beta-testers', 'paying'], random)
      return makeFlag(key, {
        rules: [{ tests: [{ kind: 'segment', segment }, ...pickTests(1, random)], percent: 100 }],
      })
    }
    case 7:
      return makeFlag(key, { rules: [rule(2), rule(1, share())] })
    case 8:
      return makeFlag(key, { percent: share() })
    case 9:
      return makeFlag(key, {
        testers: [`user-${firstUser + i}`, 'tester-1'],
        rules: [rule(2)],
        percent: share(),
      })
    default:
      return makeFlag(key, { percent: 100 })
  }
}

/** Tests of different attributes. */
function pickTests(count: number, random: () => number): Exclude<PlainTest, { kind: 'segment' }>[] {
  const choices: Exclude<PlainTest, { kind: 'segment' }>[] = [
    {
      kind: pick(['in', 'notIn'] as const, random),
      attribute: 'country',
      values: pickSome(countries, random),
    },
    { kind: 'in', attribute: 'plan', values: pickSome(plans, random) },
    { kind: 'above', attribute: 'visits', value: Math.floor(random() * 120) },
    { kind: 'versionAtLeast', attribute: 'appVersion', value: `2.${Math.floor(random() * 12)}.0` },
    random() < 0.5
      ? { kind: 'startsWith', attribute: 'email', value: `user${Math.floor(random() * 10)}` }
      : { kind: 'endsWith', attribute: 'email', value: `@${pick(domains, random)}` },
  ]
  while (choices.length > count) choices.splice(Math.floor(random() * choices.length), 1)
  return choices
}

function pickSome(items: readonly string[], random: () => number): string[] {
  return [...new Set(Array.from({ length: 4 }, () => pick(items, random)))]
}

function makeFlag(key: string, rest: Partial<PlainFlag>): PlainFlag {
  return { key, isEnabled: true, testers: [], rules: [], percent: 0, ...rest }
}

/** Mulberry32: a small generator of numbers in [0, 1). Source: github.com/bryc/code, jshash/PRNGs.md. */
function makeRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function pick<T>(items: readonly T[], random: () => number): T {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}
