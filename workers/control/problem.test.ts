import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { expect, test } from 'vitest'
import { problems } from '@halyard/shared/contract/problems.ts'
import { ProblemError } from './problem.ts'
import { asProblem, databaseFault } from './store/database.ts'
import { useKit } from './test-kit.ts'

const kit = useKit()

test('every problem code is thrown somewhere', () => {
  const checks = fileURLToPath(new URL('../../shared/checks/', import.meta.url))
  const sources = [import.meta.dirname, checks]
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
    )
    .filter((name) => name.endsWith('.ts') && !/\.test\.ts$|test-kit/.test(name))
    .map((name) => readFileSync(name, 'utf8'))
    .join('\n')
  expect(Object.keys(problems).filter((code) => !sources.includes(`'${code}'`))).toEqual([])
})

test('a database that is lost in the middle of a write is an outage, not a fault', async () => {
  const other = new Client(kit.database.adminUrl)
  await other.connect()
  await other.query('begin')
  await other.query('select from organizations for update')
  const waiting = kit.call('POST', '/orgs/acme/projects', { body: { key: 'shop' } })
  let killed: unknown[] = []
  while (killed.length === 0) {
    killed = await kit.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and query like '%organizations%'`,
    )
  }
  const reply = await waiting
  await other.end()
  expect({ status: reply.status, code: reply.body.code }).toEqual({ status: 503, code: 'unavailable' })
  expect(reply.headers.get('retry-after')).toBe('2')
  expect(await kit.sql('select from projects')).toEqual([])
})

test('a database that cannot be reached is an outage', async () => {
  const lost = new Error('Error connecting to database: fetch failed')
  const db = { ...kit.deps.db, read: () => Promise.reject(lost) }
  const reply = await kit.call('GET', '/orgs/acme/projects', { deps: { db } })
  expect(reply.body.code).toBe('unavailable')
})

test('a fault of Postgres is found wherever a driver put it', () => {
  const inner = Object.assign(new Error('inner'), { code: '23505', constraint: 'flags_key' })
  const found = { code: '23505', constraint: 'flags_key' }
  expect(databaseFault(inner)).toEqual(found)
  expect(databaseFault(new Error('outer', { cause: inner }))).toEqual(found)
  expect(databaseFault(Object.assign(new Error('no SQLSTATE'), { code: 'ECONNREFUSED' }))).toBeNull()
  expect(databaseFault('23505')).toBeNull()
})

test('only an outage becomes one', () => {
  for (const code of ['08006', '57P01', '53300', '55P03', '40001', '40P01', '25P03'])
    expect(asProblem(Object.assign(new Error('x'), { code }))).toMatchObject({ code: 'unavailable' })
  for (const code of ['23505', '42501', '22003']) {
    const error = Object.assign(new Error('x'), { code })
    expect(asProblem(error)).toBe(error)
  }
  const problem = new ProblemError('conflict')
  expect(asProblem(problem)).toBe(problem)
})
