import { sql } from 'drizzle-orm'
import { Client } from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { ProblemError } from '../problem.ts'
import { makeShop, production, useKit } from '../test-kit.ts'
import { asProblem, databaseFault, openDatabase, type Tx } from './database.ts'

const kit = useKit()
const orgId = { now: '' }

beforeAll(async () => {
  await makeShop(kit)
  const [row] = await kit.sql<{ id: string }>("select id from organizations where key = 'acme'")
  orgId.now = row?.id ?? ''
})

/** What a call that must fail failed with. */
const failureOf = (call: Promise<unknown>) =>
  call.then(
    () => 'it succeeded',
    (error: unknown) => error,
  )

test('a write that hangs in Postgres is ended there: its tenant writes again at once', async () => {
  const hang = async (tx: Tx) => {
    // As Postgres is set up elsewhere: it does not notice by itself that its client has gone.
    await tx.execute(sql`select set_config('client_connection_check_interval', '0', true)`)
    await tx.execute(sql`select * from organizations where id = ${orgId.now} for update`)
    await tx.execute(sql`select pg_sleep(60)`)
  }
  const error = await failureOf(kit.deps.db.write(orgId.now, hang))
  expect(databaseFault(error)?.code).toBe('57014')
  expect(asProblem(error)).toBeInstanceOf(ProblemError)
  await kit.ok('POST', `${production}/flags/checkout/toggle`)
})

test('reads of a tenant, and calls of none, are ended in Postgres too', async () => {
  const locking = new Client(kit.database.adminUrl)
  await locking.connect()
  await locking.query('begin; lock table organizations, api_keys')
  const { db } = kit.deps
  const read = db.read(orgId.now, (http) => [http.execute(sql`select * from organizations`)])
  const errors = await Promise.all([read, db.findKey('x')].map(failureOf))
  await locking.end()
  expect(errors.map((error) => databaseFault(error)?.code)).toEqual(['57014', '57014'])
})

test('a write to a Postgres that stands still ends as a whole, and lets go of its connection', async () => {
  const closing: Promise<unknown>[] = []
  const { appUrl: url, gateway } = kit.database
  const db = openDatabase({ url, gateway, waitUntil: (work) => closing.push(work) })
  const held = { pid: 0 }
  const freeze = async (tx: Tx) => {
    const { rows } = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`)
    held.pid = rows[0]?.pid ?? 0
    process.kill(held.pid, 'SIGSTOP')
    await tx.execute(sql`select 1`)
  }
  const error = await failureOf(db.write(orgId.now, freeze))
  await Promise.all(closing)
  process.kill(held.pid, 'SIGCONT')
  expect(String(error)).toContain('a write took more than 14000 ms')
  expect(asProblem(error)).toBeInstanceOf(ProblemError)
})
