import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { inject } from 'vitest'
import type { TestPostgres } from './test-postgres.ts'

/** A migrated database of its own for a test file. */
export interface TestDatabase {
  /** The application's role, under row security. */
  readonly appUrl: string
  /** The role that owns the tables: no superuser, under row security too. */
  readonly ownerUrl: string
  /** A superuser, whom row security does not bind: to arrange and to inspect. */
  readonly adminUrl: string
  /** `host:port` of the gateway for Neon's driver. */
  readonly gateway: string
  readonly drop: () => Promise<void>
}

/** Copies the migrated template: call it in `beforeAll`, and `drop` in `afterAll`. Needs `dev/test-postgres.ts`. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { adminUrl, ownerUrl, appUrl, gateway }: TestPostgres = inject('postgres')
  const name = `test_${randomBytes(6).toString('hex')}`
  const { pathname, username } = new URL(ownerUrl)
  await runAsAdmin(adminUrl, `create database ${name} template ${pathname.slice(1)} owner ${username}`)
  return {
    appUrl: withDatabase(appUrl, name),
    ownerUrl: withDatabase(ownerUrl, name),
    adminUrl: withDatabase(adminUrl, name),
    gateway,
    drop: () => runAsAdmin(adminUrl, `drop database ${name} with (force)`),
  }
}

async function runAsAdmin(url: string, statement: string): Promise<void> {
  const client = new Client(url)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
