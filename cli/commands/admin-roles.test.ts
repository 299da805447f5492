import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { migrate } from '../../dev/migrate.ts'
import { makeOwnedDatabase } from '../../dev/owned-database.ts'
import { startPostgres } from '../../dev/postgres.ts'

test('a new cluster gets the roles that a dump names, and its owner may go on with them', async () => {
  await using resources = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'halyard-roles-'))
  resources.defer(() => rmSync(folder, { recursive: true }))
  const postgres = await startPostgres({ folder, isDurable: false })
  resources.defer(postgres.stop)
  const ownerUrl = await makeOwnedDatabase(postgres, 'restored', 'secret')

  for (let times = 0; times < 2; times++)
    expect(await admin(ownerUrl, 'roles', '--json')).toEqual(['halyard_app', 'halyard_definer']) // oxlint-disable-line no-await-in-loop -- one after the other
  const superuser = new Client(postgres.url('restored'))
  await superuser.connect()
  resources.defer(() => superuser.end())
  // Statements such as a dump is made of.
  await superuser.query(`create schema probe; alter schema probe owner to halyard_owner;
    create function probe.f() returns int language sql as 'select 1'; alter function probe.f() owner to halyard_definer;
    grant usage on schema probe to halyard_app; drop schema probe cascade`)
  const applied = await migrate(ownerUrl, { appPassword: 'new' })
  expect(applied).toContain('0001_security')
  const app = new Client(ownerUrl.replace('halyard_owner:secret', 'halyard_app:new'))
  await app.connect()
  await app.end()
})

async function admin(ownerUrl: string, ...args: string[]): Promise<unknown> {
  const env = { ...process.env, MIGRATION_DATABASE_URL: ownerUrl }
  const argv = ['cli/main.ts', 'admin', ...args]
  const { stdout } = await promisify(execFile)(process.execPath, argv, { env })
  return JSON.parse(stdout)
}
