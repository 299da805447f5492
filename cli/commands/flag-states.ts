/** `flags toggle|rollout|override|rules`: what belongs to an environment. */
import { randomUUID } from 'node:crypto'
import type { FlagState } from '@halyard/shared/contract/flag.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { Warning } from '@halyard/shared/contract/written.ts'
import { describeFallthrough, describeRule } from '@halyard/shared/words/describe-rule.ts'
import { readCount, readJsonFile, readMoment, readScalar } from '../arguments.ts'
import { usageError } from '../command-error.ts'
import { confirmIn } from '../confirm.ts'
import type { WriteOptions } from '../options.ts'
import { paint, printJson, printLine, printWritten, visible } from '../output.ts'
import { clientOf, placeOf } from '../place.ts'
import type { Settings } from '../settings.ts'
import { switchOf } from './flags.ts'

export interface ToggleOptions extends WriteOptions {
  readonly on?: boolean
  readonly off?: boolean
}

export interface RolloutOptions extends WriteOptions {
  readonly variant: string
  readonly otherwise?: string
  readonly percent: string
  readonly widenTo?: string
  readonly over?: string
  readonly steps?: string
  readonly rule?: string
  readonly by?: string
}

export interface OverrideOptions extends WriteOptions {
  readonly variant?: string
  readonly clear?: boolean
  readonly for: readonly string[]
  readonly attribute?: string
  readonly until?: string
}

export interface RulesOptions extends WriteOptions {
  readonly set?: string
}

interface Written extends FlagState {
  readonly key: string
  readonly environment: string
  readonly versions: Readonly<Record<string, string>>
  readonly warnings: readonly Warning[]
}

/** `flags toggle`: asks first where the environment is protected, as all of these do. */
export async function toggleFlag(key: string, options: ToggleOptions, settings: Settings): Promise<void> {
  const { comment, yes } = options
  const client = clientOf(settings)
  const place = placeOf(settings)
  const wanted = options.on ? true : options.off ? false : undefined
  const deed = wanted === undefined ? 'toggle' : wanted ? 'switch on' : 'switch off'
  await confirmIn(client, place, { deed: `${deed} ${visible(key)}`, yes })
  const body = { ...(wanted !== undefined && { enabled: wanted }), ...(comment !== undefined && { comment }) }
  const input = { params: { ...place, key }, body, idempotencyKey: randomUUID() }
  const state = await client.call('toggleFlag', input)
  printWritten(state, settings.isJson, () => {
    const { text, style } = switchOf(state.enabled)
    printLine(`${visible(state.key)} is ${style ? paint(style, text) : text} in ${where(state)}`)
  })
}

/** `flags rollout`: a variant to a share, from now on or widening in steps. */
export async function rolloutFlag(key: string, options: RolloutOptions, settings: Settings): Promise<void> {
  const { variant, otherwise, percent, widenTo, over, steps, rule, by, comment, yes } = options
  const body = {
    variant,
    percent: readPercent('--percent', percent),
    ...(otherwise !== undefined && { otherwise }),
    ...(widenTo !== undefined && { widenTo: readPercent('--widen-to', widenTo) }),
    ...(over !== undefined && { over }),
    ...(steps !== undefined && {
      steps: readCount(steps, { option: '--steps', max: limits.rampSteps - 1 }),
    }),
    ...(rule !== undefined && { rule }),
    ...(by !== undefined && { by }),
    ...(comment !== undefined && { comment }),
  }
  const client = clientOf(settings)
  const place = placeOf(settings)
  await confirmIn(client, place, { deed: `roll out ${visible(variant)} of ${visible(key)}`, yes })
  const input = { params: { ...place, key }, body, idempotencyKey: randomUUID() }
  const state = await client.call('rolloutFlag', input)
  printWritten(state, settings.isJson, () => {
    printLine(`${visible(state.key)} in ${where(state)}`)
    const changed = state.rules.find(({ id, name }) => rule !== undefined && (id === rule || name === rule))
    printLine(`  ${visible(changed ? describeRule(changed) : describeFallthrough(state.fallthrough))}`)
    if (!state.enabled)
      printLine(paint('yellow', `  the flag is off: everybody gets ${visible(state.offVariant)}`))
  })
}

/** `flags override`: a variant for single contexts, before any rule; or an end to it. */
export async function overrideFlag(key: string, options: OverrideOptions, settings: Settings): Promise<void> {
  const { variant, for: who, attribute, until, comment, yes } = options
  const body = {
    variant: variant ?? null,
    ...(attribute === undefined ? { targetingKeys: [...who] } : { attribute, values: who.map(readScalar) }),
    ...(until !== undefined && { until: readMoment(until, Date.now()) }),
    ...(comment !== undefined && { comment }),
  }
  const client = clientOf(settings)
  const place = placeOf(settings)
  await confirmIn(client, place, { deed: `override ${visible(key)} for ${visible(who.join(', '))}`, yes })
  const input = { params: { ...place, key }, body, idempotencyKey: randomUUID() }
  const state = await client.call('overrideFlag', input)
  printWritten(state, settings.isJson, () => {
    const what = variant === undefined ? 'what everybody gets' : visible(variant)
    printLine(`${visible(who.join(', '))} ${who.length === 1 ? 'gets' : 'get'} ${what}`)
    printLine(`  of ${visible(state.key)} in ${where(state)}`)
    if (!state.enabled)
      printLine(paint('yellow', `  the flag is off: everybody gets ${visible(state.offVariant)}`))
  })
}

/** `flags rules`: shows the rules, or puts those of a file in their place. */
export async function flagRules(key: string, options: RulesOptions, settings: Settings): Promise<void> {
  const { set, comment, yes } = options
  const client = clientOf(settings)
  const params = { ...placeOf(settings), key }
  const { result: state, etag } = await client.exchange('getFlagState', { params })
  if (set === undefined) return settings.isJson ? printJson(state.rules) : printRules(state)
  const rules = readJsonFile(set)
  if (!Array.isArray(rules))
    throw usageError(`${set} holds no list of rules`, 'such as `halyard flags rules KEY --json` prints')
  await confirmIn(client, params, { deed: `replace the rules of ${visible(key)}`, yes })
  const body = { rules: rules as FlagState['rules'], ...(comment !== undefined && { comment }) } // the API checks them
  const input = { params, body, ifMatch: etag ?? '*', idempotencyKey: randomUUID() }
  const written = await client.call('updateFlagState', input)
  printWritten(written, settings.isJson, () => {
    printLine(`the rules of ${visible(key)} in ${where(written)}`)
    printRules(written)
  })
}

function printRules({ rules, fallthrough }: FlagState): void {
  for (const [index, rule] of rules.entries())
    printLine(
      visible(`  ${index + 1} ${rule.name === undefined ? '' : `${rule.name}: `}${describeRule(rule)}`),
    )
  printLine(`  ${visible(describeFallthrough(fallthrough))}`)
}

function where({ environment, versions }: Written): string {
  const version = versions[environment]
  return `${visible(environment)} (${version === undefined ? 'unchanged' : `version ${version}`})`
}

function readPercent(option: string, text: string): number {
  const number = Number(text.replace(/\s*%$/, ''))
  if (text.trim() !== '' && number >= 0 && number <= 100) return number
  throw usageError(`${option} is a number from 0 to 100, not "${text}"`)
}
