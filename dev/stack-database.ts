import { join } from 'node:path'
import { isNeon, parseDatabaseUrl } from './database-target.ts'
import { appUrl, migrate } from './migrate.ts'
import { startGateway } from './neon-gateway.ts'
import { makeOwnedDatabase } from './owned-database.ts'
import { startPostgres, type Postgres } from './postgres.ts'
import type { Secrets } from './secrets.ts'

export interface DatabasePlan {
  /** Who made the tables, and changes them. */
  readonly ownerUrl: string
  /** What the control Worker gets. */
  readonly appUrl: string
  /** `host:port`, or null for Neon itself. */
  readonly gateway: string | null
  /** Starts what has to run, and brings the tables up to date. */
  readonly start: (resources: AsyncDisposableStack) => Promise<Postgres | null>
}

export interface DatabaseOptions {
  readonly stateFolder: string
  readonly secrets: Secrets
  readonly postgresPort: number
  readonly gatewayPort: number
  /** The owner's URL of a server of the developer's own. */
  readonly databaseUrl?: string | undefined
  /** Overrides `databaseUrl` for migrations. */
  readonly migrationDatabaseUrl?: string | undefined
  /** Told when the embedded Postgres ends without having been asked to. */
  readonly onDeath: () => void
}

export const databaseName = 'halyard'

/** Everything about the database that can be known before it runs, so that the Workers can start beside it. */
export function planDatabase(options: DatabaseOptions): DatabasePlan {
  return options.databaseUrl === undefined
    ? planEmbedded(options)
    : planExternal(options, options.databaseUrl)
}

function planEmbedded({
  stateFolder,
  secrets,
  postgresPort,
  gatewayPort,
  onDeath,
}: DatabaseOptions): DatabasePlan {
  const { ownerPassword, appPassword } = secrets
  const ownerUrl = `postgresql://halyard_owner:${ownerPassword}@127.0.0.1:${postgresPort}/${databaseName}`
  return {
    ownerUrl,
    appUrl: appUrl(ownerUrl, appPassword),
    gateway: `127.0.0.1:${gatewayPort}`,
    start: async (resources) => {
      const postgres = await startPostgres({
        folder: join(stateFolder, 'postgres'),
        port: postgresPort,
        onDeath,
      })
      resources.defer(postgres.stop)
      await makeOwnedDatabase(postgres, databaseName, ownerPassword)
      await openGateway(resources, gatewayPort, ownerUrl)
      await migrate(ownerUrl, { appPassword })
      return postgres
    },
  }
}

function planExternal(options: DatabaseOptions, databaseUrl: string): DatabasePlan {
  const { secrets, gatewayPort, migrationDatabaseUrl } = options
  const { appPassword } = secrets
  const url = parseDatabaseUrl(databaseUrl, 'DATABASE_URL')
  const gateway = isNeon(url) ? null : `127.0.0.1:${gatewayPort}`
  const ownerUrl = migrationDatabaseUrl ?? databaseUrl
  return {
    ownerUrl,
    appUrl: appUrl(databaseUrl, appPassword),
    gateway,
    start: async (resources) => {
      const name = migrationDatabaseUrl === undefined ? 'DATABASE_URL' : 'MIGRATION_DATABASE_URL'
      if (gateway !== null) await openGateway(resources, gatewayPort, databaseUrl)
      await migrate(ownerUrl, { appPassword, name })
      return null
    },
  }
}

async function openGateway(
  resources: AsyncDisposableStack,
  port: number,
  connectionString: string,
): Promise<void> {
  const { close } = await startGateway({ port, connectionString })
  resources.defer(close)
}
