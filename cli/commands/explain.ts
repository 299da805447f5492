import { randomUUID } from 'node:crypto'
import { usageError } from '../command-error.ts'
import { paint, printJson, printLine, visible } from '../output.ts'
import type { Settings } from '../settings.ts'
import { readContext, type ContextOptions } from './eval.ts'
import { clientOf, projectOf } from '../place.ts'

export interface ExplainOptions extends ContextOptions {
  /** What `--key` says: for other commands an API key, here who it is about. */
  readonly key?: string
  readonly version?: string
  readonly now?: string
}

/** `explain`: what a flag gives a context on committed state, and each step that led to it. */
export async function explain(key: string, options: ExplainOptions, settings: Settings): Promise<void> {
  const { version, now } = options
  const answer = await clientOf(settings).call('explainFlagFor', {
    params: { ...projectOf(settings), environment: settings.need('env'), key },
    body: {
      context: readContext({ ...options, ...targetOf(options) }) as {}, // an object out of JSON
      ...(version !== undefined && { version }),
      ...(now !== undefined && { now }),
    },
    idempotencyKey: randomUUID(), // it changes nothing: it may be asked again
  })
  if (settings.isJson) return printJson(answer)
  const { environment, text, rules, fallthrough } = answer
  printLine(paint('dim', `${visible(key)} in ${visible(environment)} at version ${answer.version}`))
  for (const line of text.slice(0, -1)) printLine(`  ${visible(line)}`)
  printLine(paint('bold', visible(text.at(-1) ?? '')))
  printLine('')
  for (const [index, { name, id, sentence }] of rules.entries())
    printLine(visible(`rule ${index + 1} ${name ?? id}: ${sentence}`))
  printLine(visible(fallthrough))
}

/** An API key in the place of a user would end in a request that it does not belong to. */
function targetOf({ key, targetingKey }: ExplainOptions): Pick<ContextOptions, 'targetingKey'> {
  if (key === undefined || targetingKey !== undefined) return {}
  if (key.startsWith('hyd_')) {
    throw usageError(
      'explain asks the management API, which takes --token',
      '--key says whom to explain for, such as user-123',
    )
  }
  return { targetingKey: key }
}
