import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { appUrl, migrate } from './migrate.ts'
import { startPostgres, type Postgres } from './postgres.ts'

const root = mkdtempSync(join(tmpdir(), 'halyard-migrate-'))
const run = promisify(execFile)
let postgres: Postgres
let count = 0

const role = `do $$ begin if not exists (select from pg_roles where rolname = 'halyard_app') then
  create role halyard_app login; end if; end $$`
const first = `${role};\n--> statement-breakpoint\ncreate table things (id int);\n--> statement-breakpoint\ngrant select on things to halyard_app;`

beforeAll(async () => {
  postgres = await startPostgres({ folder: join(root, 'postgres'), isDurable: false })
}, 30_000)

afterAll(async () => {
  await postgres.stop()
  rmSync(root, { recursive: true })
})

test('migrations are applied once, in order, and the application can sign in', async () => {
  const url = await makeDatabase()
  const folder = writeMigrations({ '0000_first': first, '0001_second': 'alter table things add name text' })
  expect(await migrate(url, { appPassword: `it's "one"`, folder })).toEqual(['0000_first', '0001_second'])
  expect(await migrate(url, { appPassword: 'two', folder })).toEqual([])
  expect(await query(appUrl(url, 'two'), 'select name from things')).toEqual([])
  await expect(query(appUrl(url, `it's "one"`), 'select 1')).rejects.toMatchObject({ code: '28P01' })
})

test('a migration that fails leaves nothing behind, and can be repeated once mended', async () => {
  const url = await makeDatabase()
  const broken = 'create table half (id int);\n--> statement-breakpoint\nselect nonsense'
  const folder = writeMigrations({ '0000_first': first, '0001_broken': broken })
  await expect(migrate(url, { appPassword: 'x', folder })).rejects.toThrow(
    'Migration 0001_broken failed at statement 2: column "nonsense" does not exist',
  )
  expect(
    await query(url, `select to_regclass('half') as half, to_regclass('things')::text as things`),
  ).toEqual([{ half: null, things: 'things' }])
  const mended = writeMigrations({ '0000_first': first, '0001_broken': 'create table half (id int)' })
  expect(await migrate(url, { appPassword: 'x', folder: mended })).toEqual(['0001_broken'])
})

test('an applied migration that was edited is refused', async () => {
  const url = await makeDatabase()
  await migrate(url, { appPassword: 'x', folder: writeMigrations({ '0000_first': first }) })
  const edited = writeMigrations({ '0000_first': `${first}\n`, '0001_more': 'create table more (id int)' })
  await expect(migrate(url, { appPassword: 'x', folder: edited })).rejects.toThrow('0000_first was edited')
  expect(await query(url, `select to_regclass('more') as more`)).toEqual([{ more: null }])
})

test('a migration put before an applied one is refused, and so is a database of newer code', async () => {
  const url = await makeDatabase()
  const later = { '0000_first': first, '0002_later': 'select 1' }
  await migrate(url, { appPassword: 'x', folder: writeMigrations(later) })
  const inserted = writeMigrations({
    '0000_first': first,
    '0001_between': 'select 1',
    '0002_later': 'select 1',
  })
  await expect(migrate(url, { appPassword: 'x', folder: inserted })).rejects.toThrow(
    '0001_between comes before 0002_later',
  )
  const older = writeMigrations({ '0000_first': first })
  await expect(migrate(url, { appPassword: 'x', folder: older })).rejects.toThrow('not here: 0002_later')
})

test('of four runs at once each migration is applied by one', async () => {
  const url = await makeDatabase()
  const folder = writeMigrations({
    '0000_first': first,
    '0001_slow': 'create table slow as select pg_sleep(0.05)::text',
  })
  const runs = await Promise.all(Array.from({ length: 4 }, () => migrate(url, { appPassword: 'x', folder })))
  expect(runs.flat().toSorted()).toEqual(['0000_first', '0001_slow'])
})

test("the project's migrations apply as an owner that is no superuser", async () => {
  const server = await startPostgres({ folder: join(root, 'owned'), isDurable: false })
  try {
    await query(server.url(), `create role owner login createrole password 'o'`)
    await query(server.url(), 'create database owned owner owner')
    const url = `postgresql://owner:o@127.0.0.1:${server.port}/owned`
    expect((await migrate(url, { appPassword: 'x' })).length).toBeGreaterThan(0)
    const me = 'select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user'
    expect(await query(appUrl(url, 'x'), me)).toEqual([
      { rolname: 'halyard_app', rolsuper: false, rolbypassrls: false },
    ])
  } finally {
    await server.stop()
  }
})

test('the command prints the connection string of the application', async () => {
  const url = await makeDatabase()
  const env = { ...process.env, MIGRATION_DATABASE_URL: url, APP_PASSWORD: '' }
  const { stdout } = await run(process.execPath, ['dev/migrate.ts'], { env })
  const printed = /^DATABASE_URL=(.*)$/m.exec(stdout)?.[1] ?? ''
  expect(await query(printed, 'select current_user as me')).toEqual([{ me: 'halyard_app' }])
})

test.for([
  ['postgresql://a:b@127.0.0.1:1/x', 'No Postgres answers at 127.0.0.1:1'],
  ['mysql://a:b@127.0.0.1:1/x', 'MIGRATION_DATABASE_URL names no Postgres database'],
  ['nonsense', 'MIGRATION_DATABASE_URL is not a connection string'],
])('an unusable URL fails in one line: %s', async ([url, message]) => {
  const env = { ...process.env, MIGRATION_DATABASE_URL: url }
  const failed = await run(process.execPath, ['dev/migrate.ts'], { env }).catch((error: unknown) => error)
  expect(failed).toMatchObject({ code: 1, stdout: '' })
  expect((failed as { stderr: string }).stderr).toMatch(new RegExp(`^error: ${message}.*\n$`))
})

async function makeDatabase(): Promise<string> {
  const name = `d${++count}`
  await query(postgres.url(), `create database ${name}`)
  return postgres.url(name)
}

function writeMigrations(files: Readonly<Record<string, string>>): string {
  const folder = join(root, `m${++count}`)
  mkdirSync(join(folder, 'meta'), { recursive: true })
  const entries = Object.keys(files).map((tag, idx) => ({ idx, tag }))
  writeFileSync(join(folder, 'meta', '_journal.json'), JSON.stringify({ entries }))
  for (const [tag, text] of Object.entries(files)) writeFileSync(join(folder, `${tag}.sql`), text)
  return folder
}

async function query(url: string, text: string): Promise<readonly unknown[]> {
  const client = new Client(url)
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}
