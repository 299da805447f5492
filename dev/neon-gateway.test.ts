import { Client, neon, neonConfig, NeonDbError, Pool } from '@neondatabase/serverless'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client as PgClient } from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { startGateway, type Gateway } from './neon-gateway.ts'
import { startPostgres, type Postgres } from './postgres.ts'

const folder = mkdtempSync(join(tmpdir(), 'halyard-gateway-'))
let postgres: Postgres
let gateway: Gateway
let admin: PgClient
let url: string

beforeAll(async () => {
  postgres = await startPostgres({ folder, isDurable: false })
  gateway = await startGateway({ connectionString: postgres.url() })
  admin = new PgClient(postgres.url())
  await admin.connect()
  await admin.query(`create role visitor login password 'pass word/ü'`)
  await admin.query('create table items (id int primary key check (id > 0), name text not null)')
  await admin.query('grant all on items to visitor')
  // The driver names a host that does not exist: the gateway alone decides where it goes.
  url = `postgresql://visitor:${encodeURIComponent('pass word/ü')}@db.invalid/postgres`
  neonConfig.fetchEndpoint = () => `http://127.0.0.1:${gateway.port}/sql`
  neonConfig.wsProxy = () => `127.0.0.1:${gateway.port}/v2`
  neonConfig.useSecureWebSocket = false
  neonConfig.pipelineConnect = false
  neonConfig.webSocketConstructor = WebSocket
}, 30_000)

afterAll(async () => {
  await admin.end()
  await gateway.close()
  await postgres.stop()
  rmSync(folder, { recursive: true })
})

test('values come back with the types the driver gives them', async () => {
  const sql = neon(url)
  const when = new Date('2026-01-02T03:04:05.678Z')
  const [row] =
    await sql`select ${1}::int as i, ${2n ** 60n}::bigint as big, ${1.5}::float8 as f, ${'é😀'}::text as t,
    ${true}::bool as b, ${null}::text as n, ${when}::timestamptz as w, ${{ a: [1, null] }}::jsonb as j,
    ${['a,"b', null]}::text[] as ta, ${[1, 2]}::int[] as ia, ${Buffer.from([0, 255])}::bytea as y, '{}'::int[] as e,
    ${'0.1'}::numeric as d`
  expect(row).toEqual({
    i: 1,
    big: String(2n ** 60n),
    f: 1.5,
    t: 'é😀',
    b: true,
    n: null,
    w: when,
    j: { a: [1, null] },
    ta: ['a,"b', null],
    ia: [1, 2],
    y: Buffer.from([0, 255]),
    e: [],
    d: '0.1',
  })
})

test('two columns of one name both come back as an array row', async () => {
  expect(await neon(url, { arrayMode: true })`select 1 as a, 2 as a`).toEqual([[1, 2]])
})

test('full results carry command, count and fields', async () => {
  const sql = neon(url, { fullResults: true })
  await sql`delete from items`
  const inserted = await sql`insert into items values (1, 'a'), (2, 'b')`
  expect(inserted).toMatchObject({ command: 'INSERT', rowCount: 2, rows: [], fields: [] })
  const { fields, rowCount } = await sql`select id from items`
  expect(rowCount).toBe(2)
  expect(fields).toMatchObject([{ name: 'id', dataTypeID: 23 }])
})

test('a batch is one transaction: if one statement fails, nothing of it stays', async () => {
  const sql = neon(url)
  await sql`delete from items`
  const batch = sql.transaction([
    sql`insert into items values (1, 'a')`,
    sql`insert into items values (-1, 'b')`,
  ])
  await expect(batch).rejects.toMatchObject({ code: '23514' })
  expect(await sql`select * from items`).toEqual([])
  await sql.transaction([sql`insert into items values (1, 'a')`, sql`insert into items values (2, 'b')`])
  expect(await sql`select count(*)::int as n from items`).toEqual([{ n: 2 }])
})

test('a setting made local in a batch reaches the next statement and ends with the batch', async () => {
  const sql = neon(url)
  const [, shown] = await sql.transaction([
    sql`select set_config('app.who', 'me', true)`,
    sql`select current_setting('app.who') as who`,
  ])
  expect(shown).toEqual([{ who: 'me' }])
  expect(await sql`select current_setting('app.who', true) as who`).not.toEqual([{ who: 'me' }])
})

test('isolation level, read-only and deferrable reach the transaction', async () => {
  const sql = neon(url)
  const show = () => [
    sql`show transaction_isolation`,
    sql`show transaction_read_only`,
    sql`show transaction_deferrable`,
  ]
  const values = async (options?: object) =>
    (await sql.transaction(show(), options)).map((rows) => Object.values(rows[0] ?? {})[0])
  expect(await values()).toEqual(['read committed', 'off', 'off'])
  expect(await values({ isolationLevel: 'RepeatableRead', readOnly: false })).toEqual([
    'repeatable read',
    'off',
    'off',
  ])
  const strictest = { isolationLevel: 'Serializable', readOnly: true, deferrable: true }
  expect(await values(strictest)).toEqual(['serializable', 'on', 'on'])
  const write = sql.transaction([sql`delete from items`], { readOnly: true })
  await expect(write).rejects.toMatchObject({ code: '25006' })
})

test('an error carries the fields of Postgres', async () => {
  const sql = neon(url)
  await sql`delete from items`
  await sql`insert into items values (1, 'a')`
  const error: unknown = await sql`insert into items values (1, 'b')`.catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(NeonDbError)
  expect(error).toMatchObject({
    message: 'duplicate key value violates unique constraint "items_pkey"',
    code: '23505',
    severity: 'ERROR',
    detail: 'Key (id)=(1) already exists.',
    schema: 'public',
    table: 'items',
    constraint: 'items_pkey',
  })
  await expect(sql`insert into items values (3, null)`).rejects.toMatchObject({
    code: '23502',
    column: 'name',
  })
  const raise = `do $$ begin raise exception 'no' using hint = 'try', errcode = 'HY001'; end $$`
  await expect(sql.query(raise)).rejects.toMatchObject({ code: 'HY001', hint: 'try' })
  await expect(sql`selec 1`).rejects.toMatchObject({ code: '42601', position: '1' })
})

test('several statements in one text are refused, as Neon does', async () => {
  await expect(neon(url).query('select 1; select 2')).rejects.toMatchObject({ code: '42601' })
})

test('a wrong password is refused on both ways in', async () => {
  const wrong = 'postgresql://visitor:wrong@db.invalid/postgres'
  await expect(neon(wrong)`select 1`).rejects.toMatchObject({ code: '28P01' })
  await expect(new Client(wrong).connect()).rejects.toMatchObject({ code: '28P01' })
})

test('a server that asks for SCRAM is reached on both ways in', async () => {
  const hba = join(folder, 'data', 'pg_hba.conf')
  const before = readFileSync(hba, 'utf8')
  await admin.query(`create role scrammed login password 's'`)
  writeFileSync(hba, `host all scrammed 127.0.0.1/32 scram-sha-256\n${before}`)
  await admin.query('select pg_reload_conf()')
  const scrammed = 'postgresql://scrammed:s@db.invalid/postgres'
  const me = `select current_user as me, (select setting from pg_settings where name = 'password_encryption') as how`
  await vi.waitFor(async () =>
    expect(
      (await admin.query('select from pg_hba_file_rules where auth_method = $1', ['scram-sha-256'])).rowCount,
    ).toBe(1),
  )
  expect(await neon(scrammed).query(me)).toEqual([{ me: 'scrammed', how: 'scram-sha-256' }])
  const client = new Client(scrammed)
  await client.connect()
  expect((await client.query(me)).rows).toEqual([{ me: 'scrammed', how: 'scram-sha-256' }])
  await client.end()
})

test('a transaction left open by a lone statement does not reach the next caller', async () => {
  const sql = neon(url)
  await sql`delete from items`
  await sql`begin`
  await sql`insert into items values (1, 'a')`
  expect((await admin.query('select id from items')).rows).toEqual([{ id: 1 }])
})

test('fifty callers at once each get their own answer, on a bounded number of connections', async () => {
  const sql = neon(url)
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, n) => sql`select ${n}::int as n, pg_backend_pid() as pid, pg_sleep(0.01)`),
  )
  expect(answers.map(([row]) => row?.['n'])).toEqual(Array.from({ length: 50 }, (_, n) => n))
  expect(new Set(answers.map(([row]) => row?.['pid'])).size).toBeLessThanOrEqual(16)
})

test('an interactive transaction over the WebSocket commits and rolls back', async () => {
  const pool = new Pool({ connectionString: url })
  const client = await pool.connect()
  await client.query('delete from items')
  await client.query('begin isolation level serializable')
  const { rows } = await client.query('select coalesce(max(id), 0)::int + 1 as next from items')
  await client.query('insert into items values ($1, $2)', [rows[0].next, 'x'])
  expect((await admin.query('select * from items')).rows).toEqual([])
  await client.query('commit')
  expect((await admin.query('select id from items')).rows).toEqual([{ id: 1 }])
  await client.query('begin')
  await client.query('delete from items')
  await client.query('rollback')
  expect((await admin.query('select id from items')).rows).toEqual([{ id: 1 }])
  client.release()
  await pool.end()
})

test('fifty WebSocket clients at once each work on their own connection', async () => {
  const clients = Array.from({ length: 50 }, () => new Client(url))
  await Promise.all(clients.map((client) => client.connect()))
  const pids = await Promise.all(
    clients.map(async (client) => (await client.query('select pg_backend_pid() as pid')).rows[0].pid),
  )
  expect(new Set(pids).size).toBe(50)
  await Promise.all(clients.map((client) => client.end()))
})

test('a WebSocket client that vanishes in a transaction leaves neither its lock nor its connection', async () => {
  const sockets: WebSocket[] = []
  class Kept extends WebSocket {
    constructor(address: string) {
      super(address)
      sockets.push(this)
    }
  }
  const client = new Client({ connectionString: url, application_name: 'vanishing' })
  client.neonConfig.webSocketConstructor = Kept
  client.on('error', () => {})
  await client.connect()
  await client.query('begin')
  await client.query('lock table items in access exclusive mode')
  expect(await connectionsOf('vanishing')).toBe(1)
  sockets[0]?.terminate()
  await vi.waitFor(async () => expect(await connectionsOf('vanishing')).toBe(0), { timeout: 10_000 })
  expect(await neon(url)`select count(*)::int as n from items`).toHaveLength(1)
})

test('an HTTP caller that vanishes leaves neither its query nor its connection', async () => {
  const gone = new AbortController()
  const query = neon(url, { fetchOptions: { signal: gone.signal } })`select pg_sleep(600), 'sleeper'`
  const settled = query.catch((error: unknown) => error)
  await vi.waitFor(async () => expect(await sleepers()).toBe(1), { timeout: 10_000 })
  gone.abort()
  expect(await settled).toBeInstanceOf(Error)
  await vi.waitFor(async () => expect(await sleepers()).toBe(0), { timeout: 10_000 })
  expect(await neon(url)`select 1 as one`).toEqual([{ one: 1 }])
})

test('closing the gateway ends its connections', async () => {
  const other = await startGateway({ connectionString: postgres.url() })
  const response = await fetch(`http://127.0.0.1:${other.port}/sql`, {
    method: 'POST',
    headers: { 'Neon-Connection-String': `${url}?application_name=x` },
    body: JSON.stringify({ query: 'select 1 as one' }),
  })
  expect(await response.json()).toMatchObject({ rows: [{ one: 1 }], rowAsArray: false })
  const socket = new WebSocket(`ws://127.0.0.1:${other.port}/v2`)
  await once(socket, 'open')
  const closed = once(socket, 'close')
  await other.close()
  await closed
  await expect(fetch(`http://127.0.0.1:${other.port}/sql`)).rejects.toThrow()
})

async function connectionsOf(name: string): Promise<number> {
  const { rows } = await admin.query(
    'select count(*)::int as n from pg_stat_activity where application_name = $1',
    [name],
  )
  return rows[0].n
}

async function sleepers(): Promise<number> {
  const text = `select count(*)::int as n from pg_stat_activity where query like '%''sleeper''%' and state = 'active' and pid <> pg_backend_pid()`
  return (await admin.query(text)).rows[0].n
}
