import { randomUUID } from 'node:crypto'
import type { Reverted } from '@halyard/shared/contract/version-endpoints.ts'
import { paint, printJson, printLine, printWarnings, visible } from '../output.ts'
import type { Settings } from '../settings.ts'
import { confirm } from '../confirm.ts'
import { clientOf, projectOf } from '../place.ts'

export interface RevertOptions {
  readonly flag?: readonly string[]
  readonly segment?: readonly string[]
  readonly comment?: string
  readonly yes?: boolean
}

/** `revert`: makes the states of an environment what they were at a version. Asks first where it is protected. */
export async function revert(version: string, options: RevertOptions, settings: Settings): Promise<void> {
  const { flag, segment, comment, yes } = options
  const client = clientOf(settings)
  const params = { ...projectOf(settings), environment: settings.need('env') }
  const environment = await client.call('getEnvironment', { params })
  if (environment.protected && yes !== true) {
    const what = flag || segment ? [...(flag ?? []), ...(segment ?? [])].join(', ') : 'everything'
    await confirm(`revert ${visible(what)} in ${environment.key} to version ${visible(version)}`)
  }
  const body = {
    to: version,
    ...(flag && { flags: [...flag] }),
    ...(segment && { segments: [...segment] }),
    ...(comment !== undefined && { comment }),
  }
  const reverted = await client.call('revertEnvironment', { params, body, idempotencyKey: randomUUID() })
  if (settings.isJson) return printJson(reverted)
  print(reverted)
}

function print({ environment, revertedTo, flags, segments, left, versions, warnings }: Reverted): void {
  const changed = [...flags.map((key) => `flag ${key}`), ...segments.map((key) => `segment ${key}`)]
  if (changed.length === 0) printLine(`${environment} is as it was at ${revertedTo}: nothing to do`)
  else printLine(`${environment} is at version ${versions[environment]}, as it was at ${revertedTo}:`)
  for (const name of changed) printLine(`  ${visible(name)}`)
  for (const { kind, key, why } of left) {
    const reason = why === 'newer' ? 'it came later' : 'it is archived'
    printLine(paint('dim', `left as it is: ${kind} ${visible(key)} (${reason})`))
  }
  printWarnings(warnings)
}
