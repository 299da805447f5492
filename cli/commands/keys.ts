import { randomUUID } from 'node:crypto'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { Key, KeyCreate, Role } from '@halyard/shared/contract/resources.ts'
import { readMoment } from '../arguments.ts'
import { usageError } from '../command-error.ts'
import { confirmEverywhere, confirmIn } from '../confirm.ts'
import type { WriteOptions } from '../options.ts'
import { paint, printJson, printLine, printTable, printWritten, visible, type Cell } from '../output.ts'
import { readPages } from '../pages.ts'
import { clientOf, projectOf, type Project } from '../place.ts'
import type { Settings } from '../settings.ts'

export interface CreateOptions extends WriteOptions {
  readonly name: string
  readonly origin?: readonly string[]
  readonly role?: Role
  readonly expires?: string
}

type KeyClass = Key['class']

/** `keys list`: without their secrets. */
export async function listKeys(settings: Settings): Promise<void> {
  const keys = await readKeys(settings)
  if (settings.isJson) return printJson({ keys })
  if (keys.length === 0) return printLine('no keys')
  printTable(['ID', 'CLASS', 'ENVIRONMENT', 'NAME', 'ENDS IN', 'STATE'], keys.map(rowOf))
}

/** `keys create`: the one time that its secret is shown. */
export async function createKey(kind: KeyClass, options: CreateOptions, settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const place = projectOf(settings)
  const body = toBody(kind, options, settings)
  const { environment } = body
  const asked = { deed: `make a ${kind} key`, yes: options.yes }
  if (environment === undefined) await confirmEverywhere(client, place, asked)
  else await confirmIn(client, { ...place, environment }, asked)
  const key = await client.call('createKey', { params: place, body, idempotencyKey: randomUUID() })
  printWritten(key, settings.isJson, () => {
    printLine(
      `created ${key.class} key ${key.id}${key.environment === null ? '' : ` for ${visible(key.environment)}`}`,
    )
    printLine('')
    printLine(paint('bold', key.secret))
    printLine('')
    printLine('It is shown this once. Keep it where secrets are kept, and give it to')
    for (const line of usesOf(key.class, key.secret, settings)) printLine(`  ${line}`)
  })
}

/** `keys revoke`: whoever holds it is shut out. */
export async function revokeKey(id: string, { yes }: WriteOptions, settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const place = projectOf(settings)
  if (yes !== true) {
    const key = (await readKeys(settings)).find((one) => one.id === id)
    const asked = { deed: `revoke key ${visible(id)}${key ? ` (${visible(key.name)})` : ''}`, yes }
    const environment = key?.environment
    if (typeof environment === 'string') await confirmIn(client, { ...place, environment }, asked)
    else await confirmEverywhere(client, place, asked)
  }
  const key = await client.call('revokeKey', { params: { ...place, id }, idempotencyKey: randomUUID() })
  printWritten(key, settings.isJson, () =>
    printLine(`revoked ${key.class} key ${key.id} (${visible(key.name)})`),
  )
}

async function readKeys(settings: Settings): Promise<Key[]> {
  const client = clientOf(settings)
  const params: Project = projectOf(settings)
  return await readPages((cursor) =>
    client.call('listKeys', {
      params,
      query: { limit: limits.pageSize, ...(cursor !== undefined && { cursor }) },
    }),
  )
}

function toBody(kind: KeyClass, options: CreateOptions, settings: Settings): KeyCreate {
  const { name, origin, role, expires, comment } = options
  if (origin && kind !== 'client') throw usageError('--origin is for a client key')
  if (role && kind !== 'management') throw usageError('--role is for a management key')
  const common = {
    name,
    ...(expires !== undefined && { expiresAt: readMoment(expires, Date.now()) }),
    ...(comment !== undefined && { comment }),
  }
  switch (kind) {
    case 'server':
      return { class: kind, environment: settings.need('env'), ...common }
    case 'client':
      return {
        class: kind,
        environment: settings.need('env'),
        ...(origin && { origins: [...origin] }),
        ...common,
      }
    case 'management': {
      // A token for the whole project is wanted as often as one that is bound: only the option binds it.
      const [environment] = settings.environments
      if (role === undefined) throw usageError('--role is missing', 'viewer, editor or admin')
      return { class: kind, role, ...(environment !== undefined && { environment }), ...common }
    }
  }
  return kind satisfies never
}

function usesOf(kind: KeyClass, secret: string, settings: Settings): string[] {
  const edge = settings.find('edge')?.value ?? 'https://EDGE'
  switch (kind) {
    case 'server':
      return [
        `a server, as HALYARD_KEY: createClient({ edge: '${edge}', key: process.env.HALYARD_KEY })`,
        `the CLI: HALYARD_KEY=${secret} halyard eval --edge ${edge} --targeting-key user-1`,
      ]
    case 'client':
      return [`a page, which may show it: createWebClient({ edge: '${edge}', key: '${secret}' })`]
    case 'management':
      return ['the CLI, in CI as HALYARD_TOKEN: halyard login --token-stdin']
  }
  return kind satisfies never
}

function rowOf(key: Key): (string | Cell)[] {
  const { id, name, environment, role, lastFour } = key
  const kind = role === null ? key.class : `${key.class}, ${role}`
  return [id, kind, environment ?? '', name, lastFour, stateOf(key)]
}

function stateOf({ revokedAt, expiresAt }: Key): Cell {
  if (revokedAt !== null) return { text: 'revoked', style: 'dim' }
  if (expiresAt === null) return { text: 'good', style: 'green' }
  if (Date.parse(expiresAt) <= Date.now()) return { text: 'expired', style: 'dim' }
  return { text: `until ${expiresAt}`, style: 'green' }
}
