import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { makeKey } from '@halyard/shared/protocol/keys.ts'
import { parseDatabaseUrl, readConnection } from './database-target.ts'
import { fault } from './fault.ts'
import { demoFlags } from './seed-flags.ts'
import { writePrivate } from './secrets.ts'

/** What a fresh stack holds, with the keys that the API shows only once. */
export interface Seed {
  readonly organization: string
  readonly project: string
  readonly managementKey: string
  readonly environments: Readonly<Record<EnvironmentName, EnvironmentKeys>>
}

export interface EnvironmentKeys {
  readonly serverKey: string
  readonly clientKey: string
}

export type EnvironmentName = (typeof environmentNames)[number]

interface Draft {
  managementKey: string
  isComplete: boolean
  environments: Partial<Record<EnvironmentName, EnvironmentKeys>>
}

const environmentNames = ['development', 'staging', 'production'] as const
const organization = 'demo'
const project = 'shop'
// Fixed: under row security an organization can only be found by its id.
const organizationId = 'org_0000000000000000000000dem0'

/**
 * Puts the demo organization and one management key into the database, unless this state folder knows a key that is
 * there already. A first key cannot come from the API: there would be nobody to ask for it.
 */
export async function seedDatabase(
  stateFolder: string,
  ownerUrl: string,
  checkSecret: string,
): Promise<void> {
  const client = new Client(readConnection(parseDatabaseUrl(ownerUrl, 'DATABASE_URL')))
  await client.connect()
  try {
    await client.query(`select set_config('app.org_id', $1, false)`, [organizationId])
    const known = readDraft(stateFolder)
    if (known && (await hasKey(client, known.managementKey))) return
    const managementKey = await insertManagementKey(client, checkSecret)
    writeDraft(stateFolder, { managementKey, isComplete: false, environments: {} })
  } finally {
    await client.end()
  }
}

/** Makes the demo project, its keys and its flags through the management API, as any client would. */
export async function seedProject(stateFolder: string, controlUrl: string): Promise<Seed> {
  const draft = readDraft(stateFolder)
  if (!draft) throw fault('The seed has no management key', 'Start over with --reset')
  if (!draft.isComplete) {
    const post = makePoster(`${controlUrl}/api/v1/orgs/${organization}/projects`, draft.managementKey)
    await post('', { key: project, name: 'Demo shop' })
    for (const environment of environmentNames) {
      // One after another, each noted at once: a key is shown only in this answer.
      draft.environments[environment] ??= await createKeys(post, environment) // oxlint-disable-line no-await-in-loop
      writeDraft(stateFolder, draft)
    }
    for (const flag of demoFlags) await post(`/${project}/flags`, flag) // oxlint-disable-line no-await-in-loop
    writeDraft(stateFolder, { ...draft, isComplete: true })
  }
  const { managementKey, environments } = draft
  return { organization, project, managementKey, environments: environments as Seed['environments'] } // all are made above
}

async function insertManagementKey(client: Client, checkSecret: string): Promise<string> {
  const id = makeId('key')
  const key = await makeKey('management', id, checkSecret)
  await client.query('begin')
  await client.query(
    `insert into organizations (id, key, name) values ($1, $2, 'Demo') on conflict (id) do nothing`,
    [organizationId, organization],
  )
  await client.query(
    `insert into api_keys (org_id, id, class, role, name, hash, last_four, origins, created_by, created_at)
     values ($1, $2, 'management', 'admin', 'Local stack', $3, $4, '{}', 'local stack', now())`,
    [organizationId, id, await sha256Hex(key), key.slice(-4)],
  )
  await client.query('commit')
  return key
}

async function hasKey(client: Client, key: string): Promise<boolean> {
  const { rowCount } = await client.query('select from api_keys where hash = $1', [await sha256Hex(key)])
  return rowCount === 1
}

type Post = (path: string, body: object) => Promise<{ readonly secret?: string }>

/** Posts to the API; what exists already (409) is left as it is. */
function makePoster(base: string, managementKey: string): Post {
  return async (path, body) => {
    const response = await fetch(`${base}${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${managementKey}` },
      body: JSON.stringify(body),
    })
    const text = await response.text()
    if (!response.ok && response.status !== 409) {
      throw fault(
        `The demo data was refused: POST ${path} answered ${response.status} ${text}`,
        'Start over with --reset',
      )
    }
    return JSON.parse(text)
  }
}

async function createKeys(post: Post, environment: EnvironmentName): Promise<EnvironmentKeys> {
  const create = async (keyClass: 'server' | 'client') => {
    const body = { class: keyClass, environment, name: `Demo ${keyClass}` }
    const { secret } = await post(`/${project}/keys`, body)
    if (secret === undefined)
      throw fault(`No ${keyClass} key could be made for ${environment}`, 'Start over with --reset')
    return secret
  }
  return { serverKey: await create('server'), clientKey: await create('client') }
}

function readDraft(stateFolder: string): Draft | null {
  try {
    return JSON.parse(readFileSync(join(stateFolder, 'seed.json'), 'utf8')) // we alone write it
  } catch {
    return null // the first start
  }
}

function writeDraft(stateFolder: string, draft: Draft): void {
  writePrivate(join(stateFolder, 'seed.json'), `${JSON.stringify(draft, null, 2)}\n`)
}
