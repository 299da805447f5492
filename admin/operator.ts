import { Client } from 'pg'
import { CommandError, exitCodes, usageError } from '../cli/command-error.ts'
import { readLocalOwnerUrl } from '../cli/local-stack.ts'
import { explainConnectError, isNeon, parseDatabaseUrl, readConnection } from '../dev/database-target.ts'
import { isFault } from '../dev/fault.ts'
import { startGateway } from '../dev/neon-gateway.ts'
import { openDatabase, type Database } from '../workers/control/store/database.ts'

/** Whoever owns the installation, signed in to its database: an ordinary role, under row security too. */
export interface Operator {
  /** Every tenant one by one, as control sees them. */
  readonly db: Database
  /** What is of no tenant. */
  readonly client: Client
  readonly nowMs: () => number
}

type Variables = Readonly<Record<string, string | undefined>>

/** Signs in with the owner's connection string, works, and signs out. What can be mended becomes an error of the CLI. */
export async function operate<T>(variables: Variables, work: (operator: Operator) => Promise<T>): Promise<T> {
  const { name, connectionString } = findDatabase(variables)
  try {
    return await connect(connectionString, name, work)
  } catch (error) {
    throw isFault(error) ? new CommandError(exitCodes.failed, error.message) : error
  }
}

function findDatabase(variables: Variables): { readonly name: string; readonly connectionString: string } {
  for (const name of ['MIGRATION_DATABASE_URL', 'DATABASE_URL']) {
    const connectionString = variables[name]
    if (connectionString) return { name, connectionString }
  }
  const connectionString = readLocalOwnerUrl(process.cwd())
  if (connectionString === null)
    throw usageError(
      'no database is named',
      "set MIGRATION_DATABASE_URL to the owner's connection string, as for npm run migrate",
    )
  // Nobody should take it for the one that was meant.
  process.stderr.write('halyard: MIGRATION_DATABASE_URL is not set, so this is the local stack\n')
  return { name: 'what npm run dev left in .halyard', connectionString }
}

async function connect<T>(
  connectionString: string,
  name: string,
  work: (operator: Operator) => Promise<T>,
): Promise<T> {
  const url = parseDatabaseUrl(connectionString, name)
  await using resources = new AsyncDisposableStack()
  const client = new Client({ ...readConnection(url), application_name: 'halyard-admin' })
  client.on('error', () => {}) // a lost connection fails the query that runs
  try {
    await client.connect()
  } catch (error) {
    throw explainConnectError(error, url, name)
  }
  resources.defer(() => client.end())
  const gateway = isNeon(url) ? null : await startGateway({ connectionString })
  if (gateway) resources.defer(gateway.close)
  const closing: Promise<unknown>[] = []
  resources.defer(async () => void (await Promise.all(closing)))
  const db = openDatabase({
    url: connectionString,
    gateway: gateway ? `127.0.0.1:${gateway.port}` : undefined,
    waitUntil: (done) => closing.push(done),
  })
  return await work({ db, client, nowMs: Date.now })
}
