import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { appUrl, migrate } from './migrate.ts'
import { startGateway } from './neon-gateway.ts'
import { makeOwnedDatabase } from './owned-database.ts'
import { startPostgres } from './postgres.ts'

/** How a test file reaches the run's Postgres; `createTestDatabase` makes use of it. */
export interface TestPostgres {
  /** The superuser's URL of the database `postgres`. */
  readonly adminUrl: string
  /** The owner's and the application's URLs of the migrated template. */
  readonly ownerUrl: string
  readonly appUrl: string
  /** `host:port` of the gateway for Neon's driver. */
  readonly gateway: string
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly postgres: TestPostgres
  }
}

/** A globalSetup of vitest: one server a run, with a migrated database to copy from. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-test-'))
  const postgres = await startPostgres({ folder, isDurable: false })
  const gateway = await startGateway({ connectionString: postgres.url() })
  const password = 'known-to-the-tests'
  const ownerUrl = await makeOwnedDatabase(postgres, 'migrated', password)
  await migrate(ownerUrl, { appPassword: password })
  project.provide('postgres', {
    adminUrl: postgres.url(),
    ownerUrl,
    appUrl: appUrl(ownerUrl, password),
    gateway: `127.0.0.1:${gateway.port}`,
  })
  return async () => {
    await gateway.close()
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
