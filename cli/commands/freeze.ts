import { randomUUID } from 'node:crypto'
import { printJson, printLine, printWarnings, visible } from '../output.ts'
import type { Settings } from '../settings.ts'
import { clientOf, projectOf } from './flags.ts'

/** `freeze`: stops the publishing of an environment. Edits are kept and wait. */
export async function freeze({ comment }: { readonly comment: string }, settings: Settings): Promise<void> {
  const params = { ...projectOf(settings), environment: settings.need('env') }
  const input = { params, body: { comment }, idempotencyKey: randomUUID() }
  const environment = await clientOf(settings).call('freezeEnvironment', input)
  if (settings.isJson) return printJson(environment)
  const reason = visible(environment.frozen?.comment ?? comment)
  printLine(
    `${visible(environment.key)} is frozen at version ${environment.publishedVersion ?? 'none'}: ${reason}`,
  )
  printWarnings(environment.warnings)
}

/** `unfreeze`: publishes again, at once also what waited. */
export async function unfreeze(
  { comment }: { readonly comment?: string },
  settings: Settings,
): Promise<void> {
  const params = { ...projectOf(settings), environment: settings.need('env') }
  const body = comment === undefined ? {} : { comment }
  const input = { params, body, idempotencyKey: randomUUID() }
  const environment = await clientOf(settings).call('unfreezeEnvironment', input)
  if (settings.isJson) return printJson(environment)
  printLine(`${visible(environment.key)} is published again, up to version ${environment.version}`)
  printWarnings(environment.warnings)
}
