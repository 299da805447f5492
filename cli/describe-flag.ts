/** What a flag serves, in a few words. */
import type { Override, Rule, Serve } from '@halyard/shared/engine/model.ts'
import { percent } from '@halyard/shared/words/show.ts'

interface State {
  readonly enabled: boolean
  readonly offVariant: string
  readonly overrides: readonly Pick<Override, 'variant'>[]
  readonly rules: readonly Pick<Rule, 'serve'>[]
  readonly fallthrough: Serve
}

export function describeState({ enabled, offVariant, overrides, rules, fallthrough }: State): string {
  if (!enabled) return offVariant
  const before = [count(overrides.length, 'override'), count(rules.length, 'rule')].filter(
    (text) => text !== '',
  )
  const last = describeServe(fallthrough)
  return before.length === 0 ? last : `${before.join(', ')}, else ${last}`
}

function describeServe(serve: Serve): string {
  if ('variant' in serve) return serve.variant
  if ('split' in serve)
    return serve.split.weights.map(({ variant, weight }) => `${variant} ${percent(weight)}`).join(', ')
  const { from, to, steps } = serve.ramp
  return `${to} up to ${percent(steps.at(-1)?.share ?? 0)}, ${from}`
}

function count(number: number, what: string): string {
  return number === 0 ? '' : `${number} ${what}${number === 1 ? '' : 's'}`
}
