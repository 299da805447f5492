import { randomUUID } from 'node:crypto'
import { confirmIn } from '../confirm.ts'
import type { WriteOptions } from '../options.ts'
import { printLine, printWritten, visible } from '../output.ts'
import { clientOf, projectOf, type Place } from '../place.ts'
import type { Settings } from '../settings.ts'

export interface FreezeOptions extends WriteOptions {
  readonly comment: string
}

/** `freeze`: stops the publishing of an environment. Edits are kept and wait. */
export async function freeze(
  name: string | undefined,
  { comment, yes }: FreezeOptions,
  settings: Settings,
): Promise<void> {
  const params = placeNamed(name, settings)
  const client = clientOf(settings)
  await confirmIn(client, params, { deed: 'stop publishing', yes })
  const input = { params, body: { comment }, idempotencyKey: randomUUID() }
  const environment = await client.call('freezeEnvironment', input)
  printWritten(environment, settings.isJson, () => {
    const reason = visible(environment.frozen?.comment ?? comment)
    const version = environment.publishedVersion ?? 'none'
    printLine(`${visible(environment.key)} is frozen at version ${version}: ${reason}`)
  })
}

/** `unfreeze`: publishes again, at once also what waited. */
export async function unfreeze(
  name: string | undefined,
  { comment, yes }: WriteOptions,
  settings: Settings,
): Promise<void> {
  const params = placeNamed(name, settings)
  const client = clientOf(settings)
  await confirmIn(client, params, { deed: 'publish again', yes })
  const body = comment === undefined ? {} : { comment }
  const environment = await client.call('unfreezeEnvironment', { params, body, idempotencyKey: randomUUID() })
  printWritten(environment, settings.isJson, () =>
    printLine(`${visible(environment.key)} is published again, up to version ${environment.version}`),
  )
}

function placeNamed(environment: string | undefined, settings: Settings): Place {
  return { ...projectOf(settings), environment: environment ?? settings.need('env') }
}
