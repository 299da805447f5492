/** `init`: a first flag from nothing. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { Environment } from '@halyard/shared/contract/resources.ts'
import type { ApiClient } from '../api-client.ts'
import { CommandError, exitCodes, usageError } from '../command-error.ts'
import { paint, printJson, printLine, printWarnings, visible } from '../output.ts'
import { readPages } from '../pages.ts'
import { clientOf, type Place } from '../place.ts'
import { projectFileName, readProjectFile } from '../project-file.ts'
import { ask, canAsk } from '../prompt.ts'
import type { Settings } from '../settings.ts'
import { detectKind, makeSnippet } from '../snippets.ts'
import { writeTextAt } from '../write-text.ts'

export interface InitOptions {
  readonly flag?: string
  readonly local?: boolean
  readonly yes?: boolean
}

type Ask = (question: string, proposal: string) => Promise<string>

const flagFile = 'flags.json'
const fileSchema = './node_modules/@halyard/sdk/local/flags.schema.json'
const firstFlag = 'first-flag'

export async function init(options: InitOptions, settings: Settings): Promise<void> {
  const isSilent = options.yes === true
  if (!isSilent && !canAsk())
    throw usageError('there is no terminal to ask on', 'init --yes takes what is given and what is usual')
  const asked: Ask = async (question, proposal) => (isSilent ? proposal : await ask(question, proposal))
  if (options.local === true) return await initLocal(options, asked, settings)
  await initServer(options, asked, settings)
}

/** With a server: each step takes what is there. */
async function initServer(options: InitOptions, asked: Ask, settings: Settings): Promise<void> {
  refuseOtherProject(settings.find('project')?.value)
  const client = clientOf(settings)
  const org = settings.find('org')?.value ?? (await client.call('whoami', {})).organization
  const project = await chooseProject(client, org, { asked, wanted: settings.find('project')?.value })
  const environment = await chooseEnvironment(
    client,
    { org, project },
    { asked, wanted: settings.find('env')?.value },
  )
  const place = { org, project, environment: environment.key }
  const key = options.flag ?? (await asked('Key of the first flag', firstFlag))
  const isNew = await makeFlag(client, { ...place, key })
  const isOn = isNew
    ? !environment.protected && (await switchOn(client, { ...place, key }))
    : (await client.call('getFlagState', { params: { ...place, key } })).enabled // as somebody left it
  const written = writeProjectFile(place, settings)
  const edge = settings.find('edge')?.value
  const kind = detectKind(process.cwd())
  const lines = makeSnippet(kind, { flag: key, edge })
  if (settings.isJson)
    return printJson({
      ...place,
      flag: key,
      created: isNew,
      enabled: isOn,
      file: written,
      kind,
      snippet: lines.join('\n'),
    })
  printLine(
    `${isNew ? 'created' : 'found'} ${visible(key)}, ${isOn ? paint('green', 'on') : 'off'} in ${visible(environment.key)}`,
  )
  if (environment.protected && !isOn)
    printLine(
      `  ${visible(environment.key)} is protected: halyard flags toggle ${visible(key)} --on --env ${visible(environment.key)}`,
    )
  printLine(written === null ? `left ${projectFileName} as it is` : `wrote ${projectFileName}`)
  printSnippet(lines)
  printLine('Next:')
  printLine('  halyard doctor                    is everything in order?')
  printLine(
    `  halyard keys create ${kind === 'react' ? 'client' : 'server'} --name my-app --env ${visible(environment.key)}`,
  )
  printLine(`  halyard flags toggle ${visible(key)}    and see it change`)
}

/** Without a server: a file of flags. */
async function initLocal(options: InitOptions, asked: Ask, settings: Settings): Promise<void> {
  if (existsSync(flagFile)) throw new CommandError(exitCodes.refused, `there is a ${flagFile} already`)
  const key = options.flag ?? (await asked('Key of the first flag', firstFlag))
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(key))
    throw usageError(
      `"${key}" cannot be the key of a flag`,
      '1 to 100 of A-Z a-z 0-9 . _ -, starting with a letter or digit',
    )
  const file = { $schema: fileSchema, flags: { [key]: { enabled: true, variant: 'on' } } }
  writeTextAt(flagFile, `${JSON.stringify(file, null, 2)}\n`)
  const lines = makeSnippet('local', { flag: key, edge: undefined })
  if (settings.isJson)
    return printJson({ flag: key, file: flagFile, kind: 'local', snippet: lines.join('\n') })
  printLine(`wrote ${flagFile} with ${visible(key)}, on`)
  printSnippet(lines)
  printLine('Next:')
  printLine(`  edit ${flagFile}: what runs sees it`)
  printLine(`  halyard serve ${flagFile}       the same for any language, over OFREP`)
}

/** What follows would be done to the project of the file. */
function refuseOtherProject(wanted: string | undefined): void {
  const file = readProjectFile(process.cwd())
  const named = file?.values.project
  if (file && named !== undefined && wanted !== undefined && named !== wanted)
    throw usageError(
      `${file.path} is of the project "${named}", not of "${wanted}"`,
      'begin another project in a folder of its own',
    )
}

async function chooseProject(
  client: ApiClient,
  org: string,
  { asked, wanted }: { asked: Ask; wanted: string | undefined },
): Promise<string> {
  const projects = await readPages((cursor) =>
    client.call('listProjects', {
      params: { org },
      query: { limit: limits.pageSize, ...(cursor !== undefined && { cursor }) },
    }),
  )
  const known = projects.filter(({ archived }) => !archived).map(({ key }) => key)
  const hint = known.length === 0 ? '' : ` (there is ${known.map(visible).join(', ')})`
  const key = wanted ?? (await asked(`Project${hint}`, known[0] ?? 'web'))
  if (!known.includes(key))
    await client.call('createProject', { params: { org }, body: { key }, idempotencyKey: randomUUID() })
  return key
}

async function chooseEnvironment(
  client: ApiClient,
  params: { readonly org: string; readonly project: string },
  { asked, wanted }: { asked: Ask; wanted: string | undefined },
): Promise<Environment> {
  const { items } = await client.call('listEnvironments', { params, query: { limit: limits.pageSize } })
  const known = items.filter(({ archived }) => !archived)
  const proposal =
    known.find((one) => one.key === 'development') ?? known.find((one) => !one.protected) ?? known[0]
  const key =
    wanted ??
    (await asked(
      `Environment (there is ${known.map((one) => visible(one.key)).join(', ')})`,
      proposal?.key ?? 'development',
    ))
  const found = known.find((one) => one.key === key)
  if (found) return found
  const input = { params, body: { key }, idempotencyKey: randomUUID() }
  const { versions: _, warnings: __, ...made } = await client.call('createEnvironment', input)
  return made
}

/** Whether it had to be made. */
async function makeFlag(client: ApiClient, { key, ...place }: Place & { key: string }): Promise<boolean> {
  const params = { org: place.org, project: place.project }
  const isThere = await client.call('getFlag', { params: { ...params, key } }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof CommandError && error.code === 'flag_not_found') return false
      throw error
    },
  )
  if (isThere) return false
  const body = { key, clientVisible: true, description: 'Made by halyard init' }
  const { warnings } = await client.call('createFlag', { params, body, idempotencyKey: randomUUID() })
  printWarnings(warnings)
  return true
}

async function switchOn(client: ApiClient, params: Place & { key: string }): Promise<boolean> {
  const state = await client.call('toggleFlag', {
    params,
    body: { enabled: true },
    idempotencyKey: randomUUID(),
  })
  printWarnings(state.warnings)
  return state.enabled
}

/** Its path; null if there is one already, which somebody may have written with care. */
function writeProjectFile({ org, project, environment }: Place, settings: Settings): string | null {
  const path = join(process.cwd(), projectFileName)
  if (existsSync(path)) return null
  const [api, edge] = [settings.find('api')?.value, settings.find('edge')?.value]
  const values = {
    ...(api !== undefined && { api }),
    ...(edge !== undefined && { edge }),
    org,
    project,
    env: environment,
  }
  writeTextAt(path, `${JSON.stringify(values, null, 2)}\n`)
  return path
}

function printSnippet(lines: readonly string[]): void {
  printLine('')
  for (const line of lines) printLine(`  ${line}`)
  printLine('')
}
