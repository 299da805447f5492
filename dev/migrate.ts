import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { explainConnectError, parseDatabaseUrl, readConnection } from './database-target.ts'
import { failWith, fault } from './fault.ts'

export interface MigrateOptions {
  /** The password that the application's role gets. */
  readonly appPassword: string
  /** A folder in drizzle-kit's layout; the project's own if left out. */
  readonly folder?: string
  /** The setting that the URL came from, for errors. */
  readonly name?: string
}

interface Migration {
  readonly tag: string
  readonly hash: string
  readonly statements: readonly string[]
}

export const appRole = 'halyard_app'

const projectFolder = fileURLToPath(new URL('../migrations', import.meta.url))
const lock = `select pg_advisory_xact_lock(hashtext('halyard_migrations'))`
const makeLedger = `
  create schema if not exists halyard_migrations;
  create table if not exists halyard_migrations.applied (
    tag text primary key, hash text not null, applied_at timestamptz not null default now())`

/**
 * Brings a database up to date and gives the application's role its password; answers the tags it applied.
 *
 * drizzle-orm's own migrator takes no lock, never looks at the hashes it stores, so that an edited file goes unnoticed,
 * and applies whatever is younger than the youngest, so that an older file merged later is skipped in silence.
 */
export async function migrate(connectionString: string, options: MigrateOptions): Promise<readonly string[]> {
  const name = options.name ?? 'MIGRATION_DATABASE_URL'
  const url = parseDatabaseUrl(connectionString, name)
  const migrations = readMigrations(options.folder ?? projectFolder)
  const client = new Client({ ...readConnection(url), application_name: 'halyard-migrate' })
  client.on('error', () => {}) // a lost connection fails the query that runs
  try {
    await client.connect()
  } catch (error) {
    throw explainConnectError(error, url, name)
  }
  try {
    const applied = await applyAll(client, migrations)
    const password = client.escapeLiteral(options.appPassword)
    await inTransaction(client, async () => {
      await client.query(`alter role ${appRole} login password ${password}`)
    })
    return applied
  } finally {
    await client.end()
  }
}

/** The URL of the same database for the application's role. */
export function appUrl(connectionString: string, appPassword: string): string {
  const url = new URL(connectionString)
  url.username = appRole
  url.password = encodeURIComponent(appPassword)
  return url.href
}

function readMigrations(folder: string): readonly Migration[] {
  const journal: { readonly entries: readonly { readonly tag: string }[] } = JSON.parse(
    readFileSync(join(folder, 'meta', '_journal.json'), 'utf8'),
  )
  return journal.entries.map(({ tag }) => {
    const text = readFileSync(join(folder, `${tag}.sql`), 'utf8')
    const hash = createHash('sha256').update(text).digest('hex')
    return { tag, hash, statements: text.split('--> statement-breakpoint') }
  })
}

/** One transaction a migration, each under the lock: of two runs at once, each finds what the other has done. */
async function applyAll(client: Client, migrations: readonly Migration[]): Promise<readonly string[]> {
  const applied: string[] = []
  await inTransaction(client, async () => {
    await client.query(makeLedger)
    checkLedger(await readLedger(client), migrations)
  })
  for (const migration of migrations) {
    // In order: each builds on the one before.
    // oxlint-disable-next-line no-await-in-loop
    await inTransaction(client, async () => {
      if ((await readLedger(client)).has(migration.tag)) return
      await apply(client, migration)
      applied.push(migration.tag)
    })
  }
  return applied
}

function checkLedger(ledger: ReadonlyMap<string, string>, migrations: readonly Migration[]): void {
  const unknown = new Set(ledger.keys())
  let missing: string | undefined
  for (const { tag, hash } of migrations) {
    const known = ledger.get(tag)
    unknown.delete(tag)
    if (known === undefined) missing ??= tag
    else if (known !== hash)
      throw fault(
        `Migration ${tag} was edited after it was applied`,
        'Put the change into a new one; a local stack can also start over with --reset',
      )
    else if (missing)
      throw fault(`Migration ${missing} comes before ${tag}, which is applied`, 'Add it after the last one')
  }
  const [tag] = unknown
  if (tag)
    throw fault(
      `The database has a migration that is not here: ${tag}`,
      'Use newer code, or another database',
    )
}

async function apply(client: Client, { tag, hash, statements }: Migration): Promise<void> {
  for (const [index, statement] of statements.entries()) {
    try {
      await client.query(statement) // oxlint-disable-line no-await-in-loop -- in order
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw fault(`Migration ${tag} failed at statement ${index + 1}: ${reason}`, 'Nothing of it was applied')
    }
  }
  await client.query('insert into halyard_migrations.applied (tag, hash) values ($1, $2)', [tag, hash])
}

async function readLedger(client: Client): Promise<ReadonlyMap<string, string>> {
  const { rows } = await client.query<{ tag: string; hash: string }>(
    'select tag, hash from halyard_migrations.applied',
  )
  return new Map(rows.map(({ tag, hash }) => [tag, hash]))
}

async function inTransaction(client: Client, work: () => Promise<void>): Promise<void> {
  await client.query('begin')
  try {
    await client.query(lock)
    await work()
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {}) // fails if the connection was lost: the server has rolled back
    throw error
  }
}

async function main(): Promise<void> {
  const name = process.env['MIGRATION_DATABASE_URL'] ? 'MIGRATION_DATABASE_URL' : 'DATABASE_URL'
  const url = process.env[name]
  if (!url) throw fault('No database is named', "Set MIGRATION_DATABASE_URL to the owner's connection string")
  const appPassword = process.env['APP_PASSWORD'] || randomBytes(24).toString('hex')
  const applied = await migrate(url, { appPassword, name })
  console.log(applied.length > 0 ? `applied ${applied.join(', ')}` : 'up to date')
  if (!process.env['APP_PASSWORD']) console.log(`DATABASE_URL=${appUrl(url, appPassword)}`)
}

if (import.meta.main) await main().catch(failWith)
