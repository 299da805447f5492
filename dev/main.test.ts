import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { makeOwnedDatabase } from './owned-database.ts'
import { findFreePort } from './ports.ts'
import { startPostgres } from './postgres.ts'

const slow = { timeout: 180_000 }
const root = mkdtempSync(join(tmpdir(), 'halyard-main-'))
const state = join(root, 'state')
const started: ChildProcess[] = []
let ports: readonly string[]
let edgeUrl: string

interface Run {
  readonly child: ChildProcess
  /** Everything it has printed so far. */
  readonly output: () => string
  readonly exit: Promise<number | null>
}

beforeAll(async () => {
  const numbers = await Promise.all(Array.from({ length: 5 }, () => findFreePort()))
  const names = ['port', 'edge-port', 'hub-port', 'postgres-port', 'gateway-port']
  ports = names.map((name, index) => `--${name}=${numbers[index]}`)
  edgeUrl = `http://127.0.0.1:${numbers[1]}`
})

afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
  await vi.waitFor(() => expect(running()).toEqual([]), 20_000)
}, 30_000)

afterAll(() => rmSync(root, { recursive: true, force: true }))

test(
  'one command starts everything; what it prints works; Ctrl-C ends everything and keeps the state',
  slow,
  async () => {
    const first = dev('--state', state)
    await untilReady(first)
    const [serverKey, clientKey, managementKey] = keysIn(first.output())
    expect(await evaluate(clientKey)).toMatchObject({ value: true })
    expect(JSON.parse(paste(first, 'Evaluate a flag:'))).toMatchObject({ value: true, reason: 'STATIC' })
    expect(paste(first, 'Toggle it:')).toContain('new-checkout')
    await vi.waitFor(
      async () => expect(await evaluate(serverKey)).toMatchObject({ value: false, reason: 'DISABLED' }),
      15_000,
    )

    const refused = dev('--state', state)
    expect(await refused.exit).toBe(1)
    expect(refused.output()).toMatch(
      /^error: Halyard already runs on .* \(process \d+\)\. Use that one, .*\n$/,
    )

    first.child.kill('SIGINT')
    expect(await first.exit).toBe(0)
    expect(running()).toEqual([])
    for (const file of ['secrets.json', 'seed.json', 'control.env', 'edge.env', 'hub.env']) {
      expect(statSync(join(state, file)).mode & 0o777).toBe(0o600)
    }

    const second = dev('--state', state)
    await untilReady(second)
    expect(keysIn(second.output())).toEqual([serverKey, clientKey, managementKey])
    expect(await evaluate(serverKey)).toMatchObject({ value: false })
    second.child.kill('SIGTERM')
    expect(await second.exit).toBe(0)
    expect(running()).toEqual([])
  },
)

test('kill -9 leaves nothing running, and the next start has everything back', slow, async () => {
  const killed = dev('--state', state)
  await untilReady(killed)
  const keys = keysIn(killed.output())
  killed.child.kill('SIGKILL')
  await vi.waitFor(() => expect(running()).toEqual([]), 20_000)
  const next = dev('--state', state)
  await untilReady(next)
  expect(keysIn(next.output())).toEqual(keys)
  expect(await evaluate(keys[0])).toMatchObject({ key: 'new-checkout' })
})

test('a part that dies ends the whole, with exit code 1', slow, async () => {
  for (const part of ['workers/edge/wrangler.toml', '/postgres -D']) {
    const run = dev('--state', state)
    await untilReady(run)
    const { pid } = running().find(({ args }) => args.includes(part)) ?? { pid: 0 }
    process.kill(pid, 'SIGKILL')
    expect(await run.exit).toBe(1)
    expect(run.output()).toMatch(
      /error: (edge|postgres) ended on its own\. .*start again with: npm run dev\n$/,
    )
    await vi.waitFor(() => expect(running()).toEqual([]), 20_000)
  }
})

test('Ctrl-C while it starts leaves nothing running', slow, async () => {
  const run = dev('--state', state)
  await vi.waitFor(() => expect(running().length).toBeGreaterThan(3), 20_000)
  run.child.kill('SIGINT')
  expect(await run.exit).toBe(0)
  await vi.waitFor(() => expect(running()).toEqual([]), 20_000)
})

test('a migration that was edited after it was applied is one line', slow, async () => {
  const postgres = await startPostgres({ folder: join(state, 'postgres') })
  const client = new Client(postgres.url('halyard'))
  await client.connect()
  await client.query(`update halyard_migrations.applied set hash = 'other' where tag like '0000%'`)
  await client.end()
  await postgres.stop()
  const run = dev('--state', state)
  expect(await run.exit).toBe(1)
  expect(run.output()).toMatch(/\nerror: Migration 0000_\w+ was edited after it was applied\. .*\n$/)
})

test('--reset starts over, and touches no folder that is not ours', slow, async () => {
  const before = readFileSync(join(state, 'seed.json'), 'utf8')
  const run = dev('--state', state, '--reset')
  await untilReady(run)
  expect(readFileSync(join(state, 'seed.json'), 'utf8')).not.toBe(before)
  const foreign = join(root, 'foreign')
  mkdirSync(foreign)
  writeFileSync(join(foreign, 'thesis.txt'), 'years')
  const refused = dev('--state', foreign, '--reset')
  expect(await refused.exit).toBe(1)
  expect(refused.output()).toMatch(
    /^error: .*\/foreign is not a state folder of Halyard\. Name another with --state\n$/,
  )
  expect(readdirSync(foreign)).toEqual(['thesis.txt'])
})

test('a Postgres of the developer, which asks for SCRAM, serves as well', slow, async () => {
  const folder = join(root, 'external')
  const postgres = await startPostgres({ folder })
  const owner = await makeOwnedDatabase(postgres, 'theirs', 'o w/n')
  await postgres.stop()
  writeFileSync(join(folder, 'data', 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n')
  const external = await startPostgres({ folder, port: postgres.port })
  const run = dev('--state', join(root, 'with-external'), { DATABASE_URL: owner })
  try {
    await untilReady(run)
    expect(await evaluate(keysIn(run.output())[0])).toMatchObject({ value: true })
    // By folder, not by process: a backend bears its postmaster's arguments until it has named itself.
    const folders = running().flatMap(({ args }) => /\/postgres -D (\S+)/.exec(args)?.[1] ?? [])
    expect(new Set(folders)).toEqual(new Set([join(folder, 'data')]))
    run.child.kill('SIGTERM')
    expect(await run.exit).toBe(0)
  } finally {
    await external.stop()
  }
})

test('what a developer can mend is one line with its remedy', slow, async () => {
  const holder = createServer().listen(Number(edgeUrl.split(':')[2]), '127.0.0.1')
  await once(holder, 'listening')
  const cases = [
    [dev('--state', join(root, 'a')), /^error: Port \d+ \(edge\) is in use\. .* choose other ports: .*\n$/],
    [dev('--state', join(root, 'b'), '--port', 'x'), /^error: --port x is not a port\. .*\n$/],
    [dev('--bogus'), /^error: Unknown option '--bogus'.*\n$/],
  ] as const
  for (const [run, pattern] of cases) {
    expect(await run.exit).toBe(1)
    expect(run.output()).toMatch(pattern)
  }
  holder.close()
  const unreachable = dev('--state', join(root, 'c'), { DATABASE_URL: 'postgresql://a:b@127.0.0.1:1/x' })
  expect(await unreachable.exit).toBe(1)
  expect(unreachable.output()).toMatch(
    /\nerror: No Postgres answers at 127\.0\.0\.1:1 \(ECONNREFUSED\)\. Start it, or correct DATABASE_URL\n$/,
  )
})

function dev(...args: readonly (string | Readonly<Record<string, string>>)[]): Run {
  const flags = args.filter((arg) => typeof arg === 'string')
  const env = Object.assign({}, process.env, ...args.filter((arg) => typeof arg === 'object'))
  const child = spawn(process.execPath, ['dev/main.ts', ...ports, ...flags], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  }
  const exit = once(child, 'close').then(([code]) => code as number | null) // null if a signal ended it
  return { child, output: () => output, exit }
}

async function untilReady({ output, exit }: Run): Promise<void> {
  const ready = vi.waitFor(() => expect(output()).toContain('Stop with Ctrl-C'), 90_000)
  await Promise.race([
    ready,
    exit.then((code) => Promise.reject(new Error(`ended with ${code}: ${output()}`))),
  ])
}

function keysIn(output: string): readonly string[] {
  return ['server', 'client', 'management'].map(
    (name) => new RegExp(`${name} +(hyd_\\w+)\\n`).exec(output)?.[1] ?? '',
  )
}

/** Runs the command that is printed below this title, as a person would in a shell. */
function paste({ output }: Run, title: string): string {
  const command = output().split(`${title}\n`)[1]?.split('\n')[0] ?? ''
  return execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
}

async function evaluate(key: string | undefined): Promise<unknown> {
  const response = await fetch(`${edgeUrl}/ofrep/v1/evaluate/flags/new-checkout`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ context: { targetingKey: 'user-1' } }),
  })
  return await response.json()
}

/** The processes that name our folder: Postgres, wrangler, workerd's parents, guards' targets. Zombies do not run. */
function running(): readonly { readonly pid: number; readonly args: string }[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' }).trim().split('\n')
  return lines
    .map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .filter((match) => match !== null && !match[2]?.startsWith('Z') && match[3]?.includes(root))
    .map((match) => ({ pid: Number(match?.[1]), args: match?.[3] ?? '' }))
    .filter(({ pid, args }) => pid !== process.pid && !args.includes('dev/main.ts'))
}
