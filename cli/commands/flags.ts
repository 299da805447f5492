import { randomUUID } from 'node:crypto'
import type { FlagCreate, FlagInEnvironment, ValueType, Variant } from '@halyard/shared/contract/flag.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { Json } from '@halyard/shared/engine/model.ts'
import { describeFallthrough, describeRule } from '@halyard/shared/words/describe-rule.ts'
import { showMoment } from '@halyard/shared/words/show.ts'
import { makeApiClient, type ApiClient } from '../api-client.ts'
import { CommandError, exitCodes, usageError } from '../command-error.ts'
import { describeState } from '../describe-flag.ts'
import { paint, printJson, printLine, printTable, printWarnings, visible, type Cell } from '../output.ts'
import type { Settings } from '../settings.ts'

export interface CreateOptions {
  readonly type?: ValueType
  readonly variant?: readonly string[]
  readonly name?: string
  readonly description?: string
  readonly clientVisible?: boolean
}

export interface ToggleOptions {
  readonly on?: boolean
  readonly off?: boolean
  readonly yes?: boolean
}

/** `flags list`: every flag, with its state in one environment. */
export async function listFlags(settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const params = { ...projectOf(settings), environment: settings.need('env') }
  const flags: FlagInEnvironment[] = []
  for (let cursor: string | null | undefined; cursor !== null;) {
    // Each page names the next.
    // oxlint-disable-next-line no-await-in-loop
    const page = await client.call('listFlagStates', { params, query: { cursor, limit: limits.pageSize } })
    flags.push(...page.items)
    cursor = page.nextCursor
  }
  if (settings.isJson) return printJson({ environment: params.environment, flags })
  if (flags.length === 0) return printLine(`no flags in ${params.environment}`)
  const rows = flags.map((flag) => [
    flag.key,
    flag.valueType,
    switchOf(flag.enabled),
    describeState(flag),
    flag.name,
  ])
  printTable(['KEY', 'TYPE', 'STATE', 'SERVES', 'NAME'], rows)
}

/** `flags get`: the definition of a flag and its state in one environment. */
export async function getFlag(key: string, settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const inProject = { ...projectOf(settings), key }
  const [flag, { updatedAt: _, ...state }] = await Promise.all([
    client.call('getFlag', { params: inProject }),
    client.call('getFlagState', { params: { ...inProject, environment: settings.need('env') } }),
  ])
  if (settings.isJson) return printJson({ ...flag, ...state })
  const lines: [string, string | Cell][] = [
    ['name', flag.name],
    ['description', flag.description],
    ['kind', flag.kind],
    ['type', flag.valueType],
    ['tags', flag.tags.join(', ')],
    ['client visible', flag.clientVisible ? 'yes' : 'no'],
    ['archived', flag.archived ? 'yes' : 'no'],
    [`in ${state.environment}`, switchOf(state.enabled)],
    ['off variant', state.offVariant],
    ...state.prerequisites.map(({ flag, variants }): [string, string] => [
      'needs',
      `${flag} to give ${variants.join(' or ')}`,
    ]),
    ...state.overrides.map((override, i): [string, string] => [
      `override ${i + 1}`,
      `${override.attribute} in ${JSON.stringify(override.values)}: ${override.variant}${untilOf(override)}`,
    ]),
    ...state.rules.map((rule, i): [string, string] => [
      `rule ${i + 1}`,
      `${rule.name === undefined ? '' : `${rule.name}: `}${describeRule(rule)}`,
    ]),
    ['else', describeFallthrough(state.fallthrough)],
  ]
  printTable(
    [flag.key, ''],
    lines.filter(([, text]) => text !== ''),
  )
  printLine('')
  printTable(
    ['VARIANT', 'VALUE'],
    flag.variants.map((variant) => [variant.key, JSON.stringify(variant.value)]),
  )
}

/** `flags create`: a flag that starts switched off everywhere. */
export async function createFlag(key: string, options: CreateOptions, settings: Settings): Promise<void> {
  const { type, variant, name, description, clientVisible } = options
  const body: FlagCreate = {
    key,
    ...(type !== undefined && { valueType: type }),
    ...(variant && { variants: variant.map((text) => readVariant(text, type ?? 'boolean')) }),
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(clientVisible !== undefined && { clientVisible }),
  }
  const input = { params: projectOf(settings), body, idempotencyKey: randomUUID() }
  const flag = await clientOf(settings).call('createFlag', input)
  if (settings.isJson) return printJson(flag)
  printLine(`created ${visible(flag.key)}, switched off in every environment`)
  printLine(paint('dim', `switch it on: halyard flags toggle ${visible(flag.key)} --on --env NAME`))
  printWarnings(flag.warnings)
}

/** `flags toggle`: asks first where the environment is protected. */
export async function toggleFlag(key: string, options: ToggleOptions, settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const inEnvironment = { ...projectOf(settings), environment: settings.need('env') }
  const wanted = options.on ? true : options.off ? false : undefined
  const environment = await client.call('getEnvironment', { params: inEnvironment })
  const deed = wanted === undefined ? 'toggle' : wanted ? 'switch on' : 'switch off'
  if (environment.protected && options.yes !== true)
    await confirm(`${deed} ${visible(key)} in ${environment.key}`)
  const state = await client.call('toggleFlag', {
    params: { ...inEnvironment, key },
    body: wanted === undefined ? {} : { enabled: wanted },
    idempotencyKey: randomUUID(),
  })
  if (settings.isJson) return printJson(state)
  const version = state.versions[state.environment]
  const { text, style } = switchOf(state.enabled)
  const at = version === undefined ? 'unchanged' : `version ${version}`
  printLine(`${visible(state.key)} is ${style ? paint(style, text) : text} in ${state.environment} (${at})`)
  printWarnings(state.warnings)
}

export function clientOf(settings: Settings): ApiClient {
  return makeApiClient({ url: settings.need('api'), token: settings.need('token') })
}

export function projectOf(settings: Settings): { org: string; project: string } {
  return { org: settings.need('org'), project: settings.need('project') }
}

function untilOf({ until }: FlagInEnvironment['overrides'][number]): string {
  return until === undefined ? '' : `, until ${showMoment(until)}`
}

function switchOf(isEnabled: boolean): Cell {
  return isEnabled ? { text: 'on', style: 'green' } : { text: 'off', style: 'yellow' }
}

/** `key=json`; for a flag of texts also `key=text`. */
function readVariant(text: string, type: ValueType): Variant {
  const at = text.indexOf('=')
  if (at < 1) throw usageError(`--variant "${text}" is not of the form key=json`)
  const key = text.slice(0, at)
  const raw = text.slice(at + 1)
  let value: Json | undefined
  try {
    value = JSON.parse(raw)
  } catch {
    value = undefined // told below, unless it may be a bare text
  }
  if (type === 'string') return { key, value: typeof value === 'string' ? value : raw }
  if (value === undefined) throw usageError(`--variant "${text}": what follows = is not JSON`)
  return { key, value }
}

/** Asks before something is done to a protected environment; refuses where nobody can be asked. */
export async function confirm(deed: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new CommandError(exitCodes.refused, `the environment is protected: ${deed} needs --yes`)
  }
  const { createInterface } = await import('node:readline/promises') // few are asked
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`The environment is protected. Really ${deed}? [y/N] `)
  terminal.close()
  if (!/^y(?:es)?$/i.test(answer.trim())) throw new CommandError(exitCodes.refused, 'nothing was changed')
}
