import { randomUUID } from 'node:crypto'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { CommentOption } from '../options.ts'
import { printFacts, printJson, printLine, printTable, printWritten, visible } from '../output.ts'
import { readPages } from '../pages.ts'
import { clientOf } from '../place.ts'
import type { Settings } from '../settings.ts'

export interface CreateOptions extends CommentOption {
  readonly name?: string
  readonly environment?: readonly string[]
  readonly protect?: readonly string[]
}

/** `projects list` */
export async function listProjects(settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const params = { org: settings.need('org') }
  const projects = await readPages((cursor) =>
    client.call('listProjects', {
      params,
      query: { limit: limits.pageSize, ...(cursor !== undefined && { cursor }) },
    }),
  )
  if (settings.isJson) return printJson({ projects })
  if (projects.length === 0) return printLine(`no projects in ${visible(params.org)}`)
  printTable(
    ['KEY', 'NAME', 'MADE'],
    projects.map(({ key, name, createdAt }) => [key, name, createdAt]),
  )
}

/** `projects get` */
export async function getProject(key: string, settings: Settings): Promise<void> {
  const params = { org: settings.need('org'), project: key }
  const project = await clientOf(settings).call('getProject', { params })
  if (settings.isJson) return printJson(project)
  printFacts(project.key, [
    ['name', project.name],
    ['id', project.id],
    ['made', project.createdAt],
    ['archived', project.archived ? 'yes' : 'no'],
  ])
}

/** `projects create`: with its environments. */
export async function createProject(key: string, options: CreateOptions, settings: Settings): Promise<void> {
  const { name, environment, protect = [], comment } = options
  const environments = environment?.map((one) => ({ key: one, protected: protect.includes(one) }))
  const body = {
    key,
    ...(name !== undefined && { name }),
    ...(environments && { environments }),
    ...(comment !== undefined && { comment }),
  }
  const input = { params: { org: settings.need('org') }, body, idempotencyKey: randomUUID() }
  const project = await clientOf(settings).call('createProject', input)
  printWritten(project, settings.isJson, () => {
    const names = Object.keys(project.versions).map(visible).join(', ')
    printLine(`created ${visible(project.key)}${names === '' ? '' : ` with ${names}`}`)
  })
}

/** `projects rename`: its key stays. */
export async function renameProject(
  key: string,
  name: string,
  { comment, settings }: CommentOption & { readonly settings: Settings },
): Promise<void> {
  const params = { org: settings.need('org'), project: key }
  const body = { name, ...(comment !== undefined && { comment }) }
  const input = { params, body, ifMatch: '*', idempotencyKey: randomUUID() }
  const project = await clientOf(settings).call('updateProject', input)
  printWritten(project, settings.isJson, () =>
    printLine(`${visible(project.key)} is called ${visible(project.name)}`),
  )
}
