import { readFileSync } from 'node:fs'
import type { Json } from '@halyard/shared/engine/model.ts'
import { CommandError, exitCodes, usageError } from '../command-error.ts'
import { printJson, printTable, type Cell } from '../output.ts'
import { send } from '../send.ts'
import type { Settings } from '../settings.ts'

/** Of what a context is made. */
export interface ContextOptions {
  readonly context?: string
  readonly targetingKey?: string
  readonly attribute?: readonly string[]
}

interface Context {
  [name: string]: Json | Context
}

/** What the edge says of a flag: a value, or an error. */
interface Evaluation {
  readonly key?: string
  readonly value?: Json
  readonly variant?: string
  readonly reason?: string
  readonly errorCode?: string
  readonly errorDetails?: string
}

/** `eval`: one flag, or all that the key may see, for one context. Prints nothing for a flag that has no value. */
export async function evaluate(
  key: string | undefined,
  options: ContextOptions,
  settings: Settings,
): Promise<void> {
  const context = readContext(options)
  const { answer, status, version } = await ask(key, context, settings)
  if (status !== 200) throw failureOf(answer, status)
  if (settings.isJson) return printJson({ version, ...answer })
  const flags = key === undefined ? (answer as { flags: Evaluation[] }).flags : [answer as Evaluation] // OFREP's two forms
  printTable(['KEY', 'VALUE', 'VARIANT', 'REASON'], flags.map(rowOf))
}

/** `--context` first, then each `--attribute`, then `--targeting-key`. */
export function readContext({ context = '{}', targetingKey, attribute = [] }: ContextOptions): Context {
  let whole: unknown
  try {
    whole = JSON.parse(/^\s*[{[]/.test(context) ? context : readFileSync(context, 'utf8'))
  } catch {
    whole = undefined // neither JSON nor a file that holds some is not an object either
  }
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole))
    throw usageError(
      '--context is neither a JSON object nor a file that holds one',
      `such as '{"targetingKey":"user-1","country":"DE"}'`,
    )
  const result = whole as Context // an object out of JSON
  for (const text of attribute) setAttribute(result, text)
  if (targetingKey !== undefined) result['targetingKey'] = targetingKey
  return result
}

async function ask(key: string | undefined, context: Context, settings: Settings) {
  // An escape does not keep a dot from being a step in a path.
  if (key !== undefined && /^\.{0,2}$/.test(key)) throw usageError(`"${key}" cannot be the key of a flag`)
  const path = key === undefined ? '' : `/${encodeURIComponent(key)}`
  const response = await send({
    method: 'POST',
    url: `${settings.need('edge')}/ofrep/v1/evaluate/flags${path}`,
    headers: { authorization: `Bearer ${settings.need('key')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ context }),
    isRepeatable: true,
  })
  const answer: unknown = await response.json().catch(() => undefined) // a proxy's page, which is told by its status
  if (response.ok && !isAnswer(answer, key === undefined))
    throw new CommandError(exitCodes.failed, 'the edge answered with something other than an evaluation')
  return {
    answer: answer as object | undefined,
    status: response.status,
    version: response.headers.get('halyard-version'),
  } // seen above
}

function isAnswer(answer: unknown, isBulk: boolean): boolean {
  if (typeof answer !== 'object' || answer === null) return false
  return isBulk ? 'flags' in answer && Array.isArray(answer.flags) : 'key' in answer
}

function failureOf(answer: object | undefined, status: number): CommandError {
  const { key, errorCode, errorDetails }: Evaluation = answer ?? {}
  if (errorCode === undefined) return new CommandError(exitCodes.failed, `the edge answered ${status}`)
  const what = key === undefined ? '' : ` for ${key}`
  return new CommandError(
    exitCodes.failed,
    `${errorCode}${what}`,
    errorDetails === undefined ? [] : [errorDetails],
  )
}

function rowOf({
  key = '',
  value,
  variant = '',
  reason = 'ERROR',
  errorCode,
  errorDetails,
}: Evaluation): (string | Cell)[] {
  if (errorCode !== undefined)
    return [key, '', '', { text: `${errorCode} ${errorDetails ?? ''}`, style: 'red' }]
  return [key, { text: JSON.stringify(value) ?? '', style: 'bold' }, variant, reason]
}

/** `a.b=v` sets what rules name `a.b`. The value is JSON if it can be read so, else text. */
function setAttribute(context: Context, text: string): void {
  const at = text.indexOf('=')
  if (at < 1) throw usageError(`--attribute "${text}" is not of the form name=value`)
  const names = text.slice(0, at).split('.')
  const last = names.pop() ?? ''
  let inner = context
  for (const name of names) {
    const next = Object.hasOwn(inner, name) ? inner[name] : undefined
    const isOpen = typeof next === 'object' && next !== null && !Array.isArray(next)
    inner = isOpen ? (next as Context) : define(inner, name, {}) // an object out of JSON
  }
  define(inner, last, readValue(text.slice(at + 1)))
}

/** Also for a name such as `__proto__`, which an assignment would not make a member. */
function define<T extends Json | Context>(context: Context, name: string, value: T): T {
  Object.defineProperty(context, name, { value, enumerable: true, writable: true, configurable: true })
  return value
}

function readValue(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
