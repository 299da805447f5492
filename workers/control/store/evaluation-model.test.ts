import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { expect, inject, test } from 'vitest'
import { migrate } from '../../../dev/migrate.ts'

const migrations = fileURLToPath(new URL('../../../migrations', import.meta.url))
const state = '{"enabled": true, "offVariant":"é\\u2028","rules":[],"n":1.10}'

test('flags from before segments, layers and prerequisites keep their state, in every tenant', async () => {
  const { adminUrl, ownerUrl, appUrl } = inject('postgres')
  const name = `migrated_${Date.now()}`
  const options = { appPassword: decodeURIComponent(new URL(appUrl).password) }
  const at = (url: string) => Object.assign(new URL(url), { pathname: `/${name}` }).href
  const before = firstMigrations(2)
  await query(adminUrl, `create database ${name} owner ${new URL(ownerUrl).username}`)
  try {
    await migrate(at(ownerUrl), { ...options, folder: before })
    for (const org of ['one', 'two']) await insertFlag(at(adminUrl), org)
    expect((await migrate(at(ownerUrl), options))[0]).toBe('0002_evaluation-model')
    const states = await query(at(adminUrl), 'select state::text as state from flag_states')
    const mended = { state: `{"prerequisites":[],${state.slice(1)}` }
    expect(states).toEqual([mended, mended])
    const [flag] = await query(at(adminUrl), 'select * from flags')
    expect(flag).toMatchObject({ owner: '', temporary: false, expires_at: null, expiry_variant: null })
    const [table] = await query(
      at(adminUrl),
      "select relforcerowsecurity as forced from pg_class where relname = 'flag_states'",
    )
    expect(table).toEqual({ forced: true })
  } finally {
    await query(adminUrl, `drop database ${name} with (force)`)
    rmSync(before, { recursive: true })
  }
})

/** A folder with the first migrations of the project. */
function firstMigrations(count: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-migrations-'))
  cpSync(migrations, folder, { recursive: true })
  const path = join(folder, 'meta', '_journal.json')
  const journal = JSON.parse(readFileSync(path, 'utf8'))
  writeFileSync(path, JSON.stringify({ ...journal, entries: journal.entries.slice(0, count) }))
  return folder
}

async function insertFlag(url: string, org: string): Promise<void> {
  const statements = [
    `insert into organizations (id, key, name) values ('${org}', '${org}', '')`,
    `insert into projects (org_id, id, key, name) values ('${org}', 'p', 'p', '')`,
    `insert into environments (org_id, id, project_id, key, name) values ('${org}', 'e', 'p', 'e', '')`,
    `insert into flags (org_id, id, project_id, key, name, description, tags, kind, value_type, client_visible, seed,
       created_at, updated_at) values ('${org}', 'f', 'p', 'f', '', '', '{}', 'release', 'boolean', false, '', now(), now())`,
    `insert into flag_states (org_id, environment_id, flag_id, state, updated_at)
       values ('${org}', 'e', 'f', '${state}', now())`,
  ]
  await query(url, statements.join(';\n'))
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client(url)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
