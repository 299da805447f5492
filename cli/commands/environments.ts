import { randomUUID } from 'node:crypto'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { Environment } from '@halyard/shared/contract/resources.ts'
import { usageError } from '../command-error.ts'
import { confirmIn } from '../confirm.ts'
import type { CommentOption, WriteOptions } from '../options.ts'
import { printFacts, printJson, printLine, printTable, printWritten, visible, type Cell } from '../output.ts'
import { readPages } from '../pages.ts'
import { clientOf, projectOf } from '../place.ts'
import type { Settings } from '../settings.ts'

export interface CreateOptions extends CommentOption {
  readonly name?: string
  readonly protected?: boolean
}

export interface UpdateOptions extends WriteOptions {
  readonly name?: string
  readonly protect?: boolean
  readonly unprotect?: boolean
}

/** `envs list` */
export async function listEnvironments(settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const params = projectOf(settings)
  const environments = await readPages((cursor) =>
    client.call('listEnvironments', {
      params,
      query: { limit: limits.pageSize, ...(cursor !== undefined && { cursor }) },
    }),
  )
  if (settings.isJson) return printJson({ environments })
  if (environments.length === 0) return printLine(`no environments in ${visible(params.project)}`)
  printTable(
    ['KEY', 'PROTECTED', 'VERSION', 'PUBLISHED', 'NAME'],
    environments.map((one) => [one.key, one.protected ? 'yes' : '', one.version, publishedOf(one), one.name]),
  )
}

/** `envs get` */
export async function getEnvironment(key: string, settings: Settings): Promise<void> {
  const params = { ...projectOf(settings), environment: key }
  const environment = await clientOf(settings).call('getEnvironment', { params })
  if (settings.isJson) return printJson(environment)
  printFacts(environment.key, [
    ['name', environment.name],
    ['id', environment.id],
    ['protected', environment.protected ? 'yes' : 'no'],
    ['version', environment.version],
    ['published', publishedOf(environment)],
    ['frozen', environment.frozen ? `since ${environment.frozen.since}: ${environment.frozen.comment}` : ''],
    ['made', environment.createdAt],
    ['archived', environment.archived ? 'yes' : 'no'],
  ])
}

/** `envs create`: every flag starts switched off in it. */
export async function createEnvironment(
  key: string,
  options: CreateOptions,
  settings: Settings,
): Promise<void> {
  const { name, comment } = options
  const body = {
    key,
    ...(name !== undefined && { name }),
    ...(options.protected === true && { protected: true }),
    ...(comment !== undefined && { comment }),
  }
  const input = { params: projectOf(settings), body, idempotencyKey: randomUUID() }
  const environment = await clientOf(settings).call('createEnvironment', input)
  printWritten(environment, settings.isJson, () =>
    printLine(`created ${visible(environment.key)}${environment.protected ? ', protected' : ''}`),
  )
}

/** `envs update`: renames, protects, unprotects. */
export async function updateEnvironment(
  key: string,
  options: UpdateOptions,
  settings: Settings,
): Promise<void> {
  const { name, protect, unprotect, comment, yes } = options
  if (name === undefined && !protect && !unprotect)
    throw usageError('there is nothing to change', 'give --name, --protect or --unprotect')
  const client = clientOf(settings)
  const params = { ...projectOf(settings), environment: key }
  await confirmIn(client, params, { deed: unprotect ? 'end the protection' : 'change the settings', yes })
  const body = {
    ...(name !== undefined && { name }),
    ...((protect || unprotect) && { protected: protect === true }),
    ...(comment !== undefined && { comment }),
  }
  const input = { params, body, ifMatch: '*', idempotencyKey: randomUUID() }
  const environment = await client.call('updateEnvironment', input)
  printWritten(environment, settings.isJson, () => {
    const state = environment.protected ? 'protected' : 'not protected'
    printLine(`${visible(environment.key)} is called ${visible(environment.name)} and ${state}`)
  })
}

function publishedOf({ frozen, version, publishedVersion }: Environment): string | Cell {
  if (frozen) return { text: `frozen at ${publishedVersion ?? 'none'}`, style: 'yellow' }
  if (publishedVersion === version) return 'all'
  return { text: `up to ${publishedVersion ?? 'none'}`, style: 'yellow' }
}
