import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from 'pg'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { isRunning } from './file-lock.mjs'
import { findFreePort } from './ports.ts'
import { startPostgres } from './postgres.ts'

const slow = { timeout: 30_000 }
let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'halyard-postgres-test-'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('data outlives the server, and the server its port', slow, async () => {
  const first = await startPostgres({ folder })
  await query(first.url(), `create table kept as select 'é😀' as t`)
  await first.stop()
  expect(isRunning(first.pid, null)).toBe(false)
  const second = await startPostgres({ folder })
  expect(await query(second.url(), 'select t from kept')).toEqual([{ t: 'é😀' }])
  await second.stop()
})

test('text is UTF-8 and sorts by code point, whatever the machine speaks', slow, async () => {
  const server = await startPostgres({ folder, isDurable: false })
  const words = `select string_agg(w, ' ' order by w) as words, upper('straße é') as up from (values ('b'), ('ä'), ('Z'), ('a')) as t(w)`
  expect(await query(server.url(), words)).toEqual([{ words: 'Z a b ä', up: 'STRAßE É' }])
  expect(await query(server.url(), 'show server_encoding')).toEqual([{ server_encoding: 'UTF8' }])
  await server.stop()
})

test('it asks for its password', slow, async () => {
  const server = await startPostgres({ folder, isDurable: false })
  const wrong = new Client(server.url().replace(/:[0-9a-f]+@/, ':wrong@'))
  await expect(wrong.connect()).rejects.toMatchObject({ code: '28P01' })
  await server.stop()
})

test('it ends when the process that started it is killed', slow, async () => {
  const { child, pid } = await startElsewhere('')
  child.kill('SIGKILL')
  await vi.waitFor(() => expect(isRunning(pid, null)).toBe(false), 10_000)
})

test('a server that was left running is ended by the next start', slow, async () => {
  const { child, pid } = await startElsewhere('no guard')
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(isRunning(pid, null)).toBe(true)
  const server = await startPostgres({ folder })
  expect(isRunning(pid, null)).toBe(false)
  expect(await query(server.url(), 'select 1 as one')).toEqual([{ one: 1 }])
  await server.stop()
})

test('a lock file of a process that is now another one does not stand in the way', slow, async () => {
  await (await startPostgres({ folder })).stop()
  writeFileSync(join(folder, 'data', 'postmaster.pid'), `${process.ppid}\n${join(folder, 'data')}\n`)
  const server = await startPostgres({ folder })
  expect(isRunning(process.ppid, null)).toBe(true)
  await server.stop()
})

test(
  'a start that was killed while it made the folder leaves nothing that fails the next',
  slow,
  async () => {
    const { child } = await startElsewhere('while initdb')
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(existsSync(join(folder, 'data'))).toBe(false)
    const server = await startPostgres({ folder })
    await server.stop()
  },
)

test('a port in use is one line with a remedy', slow, async () => {
  const holder = createServer().listen(await findFreePort(), '127.0.0.1')
  await once(holder, 'listening')
  const { port } = holder.address() as { port: number }
  await expect(startPostgres({ folder, port })).rejects.toThrow(
    `Port ${port} (Postgres) is in use. Choose another port`,
  )
  holder.close()
})

test('whoever started it is told when it ends on its own', slow, async () => {
  const died = Promise.withResolvers<void>()
  const server = await startPostgres({ folder, onDeath: died.resolve })
  process.kill(server.pid, 'SIGQUIT')
  await died.promise
})

/** Starts a server from another process; `how` spoils what would save us from its death. */
async function startElsewhere(
  how: '' | 'no guard' | 'while initdb',
): Promise<{ child: ChildProcess; pid: number }> {
  const code = `
    import { startPostgres } from ${JSON.stringify(new URL('./postgres.ts', import.meta.url).href)}
    ${how === 'no guard' ? `process.env.PATH = '/nonexistent'` : ''}
    ${how === 'while initdb' ? `setInterval(() => { if (process.getActiveResourcesInfo().includes('ProcessWrap')) console.log(0) }, 5)` : ''}
    const { pid } = await startPostgres({ folder: ${JSON.stringify(folder)} })
    console.log(pid)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(createInterface({ input: child.stdout }), 'line')
  return { child, pid: Number(line) }
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
