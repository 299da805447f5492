import { neon, neonConfig } from '@neondatabase/serverless'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { createTestDatabase } from './test-database.ts'

test('each test database is a migrated one of its own, reached through the gateway', async () => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()])
  neonConfig.fetchEndpoint = () => `http://${one.gateway}/sql`
  const count = `select count(*)::int as n from pg_class where relname = 'only_here' or relname = 'flags'`
  await neon(one.ownerUrl).query('create table only_here (id int)')
  expect(await neon(one.appUrl).query(count)).toEqual([{ n: 2 }])
  expect(await neon(other.appUrl).query(count)).toEqual([{ n: 1 }])
  await Promise.all([one.drop(), other.drop()]) // also while the gateway holds connections to them
  await expect(new Client(one.adminUrl).connect()).rejects.toMatchObject({ code: '3D000' })
})

test('neither the application nor the owner is a superuser', async () => {
  const database = await createTestDatabase()
  neonConfig.fetchEndpoint = () => `http://${database.gateway}/sql`
  const me =
    'select current_user as me, rolsuper or rolbypassrls as above from pg_roles where rolname = current_user'
  expect(await neon(database.appUrl).query(me)).toEqual([{ me: 'halyard_app', above: false }])
  expect(await neon(database.ownerUrl).query(me)).toEqual([{ me: 'halyard_owner', above: false }])
  await database.drop()
})
