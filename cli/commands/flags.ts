/** `flags`: reading. */
import type { FlagInEnvironment } from '@halyard/shared/contract/flag.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import { describeFallthrough, describeRule } from '@halyard/shared/words/describe-rule.ts'
import { showMoment } from '@halyard/shared/words/show.ts'
import type { ApiClient } from '../api-client.ts'
import { describeState } from '../describe-flag.ts'
import { printFacts, printJson, printLine, printTable, visible, type Cell } from '../output.ts'
import { readPages } from '../pages.ts'
import { clientOf, placeOf, projectOf, type Place } from '../place.ts'
import type { Settings } from '../settings.ts'

export interface ListOptions {
  readonly tag?: string
  readonly text?: string
  readonly kind?: FlagInEnvironment['kind']
  readonly archived?: boolean
}

/** `flags list`: every flag, with its state in one environment. */
export async function listFlags(options: ListOptions, settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const params = placeOf(settings)
  const flags = await readFlagStates(client, params, options)
  if (settings.isJson) return printJson({ environment: params.environment, flags })
  if (flags.length === 0) return printLine(`no ${wordOf(options)}flags in ${visible(params.environment)}`)
  const rows = flags.map((flag) => [
    flag.key,
    flag.valueType,
    switchOf(flag.enabled),
    describeState(flag),
    flag.name,
  ])
  printTable(['KEY', 'TYPE', 'STATE', 'SERVES', 'NAME'], rows)
}

async function readFlagStates(client: ApiClient, params: Place, options: ListOptions) {
  const { archived, ...filters } = options
  const query = {
    ...filters,
    ...(archived === true && { archived: 'true' as const }),
    limit: limits.pageSize,
  }
  return await readPages((cursor) =>
    client.call('listFlagStates', { params, query: { ...query, ...(cursor !== undefined && { cursor }) } }),
  )
}

function wordOf({ archived, ...filters }: ListOptions): string {
  const found = Object.keys(filters).length > 0 ? 'matching ' : ''
  return archived === true ? `${found}archived ` : found
}

/** `flags get`: the definition of a flag and its state in one environment. */
export async function getFlag(key: string, settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const params = { ...placeOf(settings), key }
  const [flag, { updatedAt: _, ...state }] = await Promise.all([
    client.call('getFlag', { params: { ...projectOf(settings), key } }),
    client.call('getFlagState', { params }),
  ])
  const whole = { ...flag, ...state }
  if (settings.isJson) return printJson(whole)
  printFacts(flag.key, [...definitionOf(whole), ...stateOf(whole)])
  printLine('')
  printTable(
    ['VARIANT', 'VALUE'],
    flag.variants.map((variant) => [variant.key, JSON.stringify(variant.value)]),
  )
}

type Fact = readonly [string, string | Cell]

function definitionOf(flag: FlagInEnvironment): Fact[] {
  const { onExpiry, expiresAt } = flag
  return [
    ['name', flag.name],
    ['description', flag.description],
    ['kind', flag.kind],
    ['type', flag.valueType],
    ['tags', flag.tags.join(', ')],
    ['owner', flag.owner],
    ['expires', expiresAt === null ? '' : showMoment(expiresAt)],
    ['on expiry', expiresAt === null ? '' : onExpiry === 'keep' ? 'as before' : onExpiry.variant],
    ['client visible', flag.clientVisible ? 'yes' : 'no'],
    ['archived', flag.archived ? 'yes' : 'no'],
  ]
}

function stateOf(state: FlagInEnvironment): Fact[] {
  return [
    [`in ${state.environment}`, switchOf(state.enabled)],
    ['off variant', state.offVariant],
    ...state.prerequisites.map(({ flag, variants }): Fact => [
      'needs',
      `${flag} to give ${variants.join(' or ')}`,
    ]),
    ...state.overrides.map((override, i): Fact => [
      `override ${i + 1}`,
      `${override.attribute} in ${JSON.stringify(override.values)}: ${override.variant}${untilOf(override)}`,
    ]),
    ...state.rules.map((rule, i): Fact => [
      `rule ${i + 1}`,
      `${rule.name === undefined ? '' : `${rule.name}: `}${describeRule(rule)}`,
    ]),
    ['else', describeFallthrough(state.fallthrough)],
  ]
}

function untilOf({ until }: FlagInEnvironment['overrides'][number]): string {
  return until === undefined ? '' : `, until ${showMoment(until)}`
}

export function switchOf(isEnabled: boolean): Cell {
  return isEnabled ? { text: 'on', style: 'green' } : { text: 'off', style: 'yellow' }
}
