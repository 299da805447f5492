import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { migrate } from '../../../dev/migrate.ts'

const folder = mkdtempSync(join(tmpdir(), 'halyard-migrations-'))
const name = `test_${randomBytes(6).toString('hex')}`
const { adminUrl, ownerUrl, appPassword } = urlsOf(name)
const admin = new Client(inject('postgres').adminUrl)

beforeAll(async () => {
  await admin.connect()
  await admin.query(`create database ${name} owner ${new URL(ownerUrl).username}`)
  cpSync('migrations', folder, { recursive: true })
})

afterAll(async () => {
  await admin.query(`drop database ${name} with (force)`)
  await admin.end()
  rmSync(folder, { recursive: true })
})

test('versions from before they were listed are listed, also those that changed no object or were never published', async () => {
  await migrateTo(4)
  await query(`insert into organizations (id, key, name) values ('org', 'org', 'org')`)
  await query(`insert into projects (org_id, id, key, name) values ('org', 'prj', 'prj', 'prj')`)
  await query(`insert into environments (org_id, id, project_id, key, name, epoch, version)
    values ('org', 'a', 'prj', 'a', 'a', 1, 4), ('org', 'b', 'prj', 'b', 'b', 2, 9), ('org', 'c', 'prj', 'c', 'c', 1, 0)`)
  await query(`insert into state_history (org_id, environment_id, kind, object_id, epoch, version)
    values ('org', 'a', 'flag', 'f', 1, 2), ('org', 'b', 'flag', 'f', 1, 3), ('org', 'b', 'flag', 'f', 2, 7)`)
  await query(`insert into heads (org_id, environment_id, epoch, version, snapshot_hash, access_hash, client_hash, size, compiler, published_at)
    values ('org', 'a', 1, 1, 'x', 'x', 'x', 1, 1, '2026-01-02T03:04:05Z'), ('org', 'b', 1, 5, 'x', 'x', 'x', 1, 1, now())`)
  await migrateTo(Infinity)
  expect(await listed('a')).toEqual(['1.1', '1.2', '1.3', '1.4'])
  expect(await listed('b')).toEqual(['1.1', '1.2', '1.3', '1.4', '1.5', '2.7', '2.8', '2.9'])
  expect(await listed('c')).toEqual([])
  const [first] = await query<{ at: Date }>(
    `select created_at as at from environment_versions where environment_id = 'a' and version = 1`,
  )
  expect(first?.at.toISOString()).toBe('2026-01-02T03:04:05.000Z')
})

test('a control of before that still runs leaves no version out, and one of now lists each once', async () => {
  await asApplication(`update environments set version = version + 1 where id = 'a'`)
  expect(await listed('a')).toEqual(['1.1', '1.2', '1.3', '1.4', '1.5'])
  await asApplication(
    `update environments set epoch = epoch + 1 where id = 'a'`,
    `update environments set version = version + 1 where id = 'a'`,
    `insert into environment_versions (org_id, environment_id, epoch, version, created_at, actor, audit_sequence)
       values ('org', 'a', 2, 6, now(), 'key', 1)`,
  )
  expect(await listed('a')).toEqual(['1.1', '1.2', '1.3', '1.4', '1.5', '2.6'])
  const [last] = await query<{ actor: string }>(
    `select actor from environment_versions where environment_id = 'a' and epoch = 2`,
  )
  expect(last?.actor).toBe('key')
})

/** The project's migrations up to a number. */
async function migrateTo(last: number): Promise<void> {
  const journal = JSON.parse(readFileSync('migrations/meta/_journal.json', 'utf8')) as { entries: unknown[] }
  const entries = journal.entries.slice(0, last + 1)
  writeFileSync(join(folder, 'meta', '_journal.json'), JSON.stringify({ ...journal, entries }))
  await migrate(ownerUrl, { appPassword, folder })
}

async function query<Row extends object>(text: string): Promise<Row[]> {
  const client = new Client(adminUrl)
  await client.connect()
  const { rows } = await client.query<Row>(text)
  await client.end()
  return rows
}

/** In one transaction of the tenant. */
async function asApplication(...statements: string[]): Promise<void> {
  await query(
    ['begin', 'set local role halyard_app', `set local app.org_id = 'org'`, ...statements, 'commit'].join(
      '; ',
    ),
  )
}

async function listed(environment: string): Promise<string[]> {
  const rows = await query<{ token: string }>(
    `select epoch || '.' || version as token from environment_versions where environment_id = '${environment}'
     order by epoch, version`,
  )
  return rows.map(({ token }) => token)
}

function urlsOf(database: string) {
  const { adminUrl, ownerUrl, appUrl } = inject('postgres')
  const at = (url: string) => Object.assign(new URL(url), { pathname: `/${database}` }).href
  // The same as the run gave the role: all its databases share it.
  return { adminUrl: at(adminUrl), ownerUrl: at(ownerUrl), appPassword: new URL(appUrl).password }
}
