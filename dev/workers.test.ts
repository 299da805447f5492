import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { isRunning } from './file-lock.mjs'
import { findFreePort } from './ports.ts'
import { formatEnv, type WorkerName } from './secrets.ts'
import { makeWorker, type Worker } from './workers.ts'

// Three tiny Workers with the bindings of the real ones: RPC, a Durable Object, a KV namespace, declared secrets.
const slow = { timeout: 120_000 }
const root = mkdtempSync(join(tmpdir(), 'halyard-workers-'))
const state = join(root, 'state')
const values = {
  SIGNING_KEY: JSON.stringify({ kty: 'OKP', d: 'a"b\\c$d`e', kid: 'k-1', list: ['#', ' x '] }),
  DATABASE_URL: 'postgresql://halyard_app:p$HOME@127.0.0.1:5432/x?a=${PATH}&b=%20#c',
}
const deaths: WorkerName[] = []
const logs: string[] = []
let workers: Record<WorkerName, Worker>

beforeAll(async () => {
  writeFiles()
  workers = {
    control: await make('control', state),
    hub: await make('hub', state),
    edge: await make('edge', state),
  }
  vi.stubEnv('DATABASE_URL', 'postgresql://owner:secret@db/x')
  await Promise.all(Object.values(workers).map((worker) => worker.start()))
}, 120_000)

afterAll(async () => {
  await Promise.all(Object.values(workers).map((worker) => worker.stop()))
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true, force: true })
}, 60_000)

test('the values of an env file reach a Worker as they are, whatever the shell has set', slow, async () => {
  expect(await ask('control', '/env')).toEqual(values)
})

test('Workers reach each other, and share a namespace', slow, async () => {
  await ask('control', '/publish?value=one')
  expect(await ask('edge', '/')).toEqual({ hub: 'one', kv: 'one' })
})

test("a Worker's own lines are shown, what wrangler says about itself is not", slow, async () => {
  await ask('control', '/log')
  await vi.waitFor(() => expect(logs).toContain('said by the Worker'))
  await vi.waitFor(() => expect(logs.some((line) => line.includes('planted failure'))).toBe(true))
  expect(logs.filter((line) => /binding|Ready on|wrangler:info|GET \/|starting local/i.test(line))).toEqual(
    [],
  )
})

test(
  'a Worker that was killed starts again on its port and state, and the others find it',
  slow,
  async () => {
    await ask('control', '/publish?value=two')
    const pid = workers.hub.pid() ?? 0
    await workers.hub.kill9()
    expect(workers.hub.pid()).toBeNull()
    expect(isRunning(pid, null)).toBe(false)
    await expect(fetch(workers.hub.url)).rejects.toThrow()
    await workers.hub.start()
    await vi.waitFor(async () => expect(await ask('edge', '/')).toEqual({ hub: 'two', kv: 'two' }), 10_000)
    await ask('control', '/publish?value=three')
    expect(await ask('edge', '/')).toEqual({ hub: 'three', kv: 'three' })
    expect(deaths).toEqual([])
  },
)

test('two stacks on one machine never see each other', slow, async () => {
  const alone = await make('edge', join(root, 'other'))
  await alone.start()
  const answer = await (await fetch(alone.url)).json()
  expect(answer).toEqual({ hub: expect.stringContaining('not found'), kv: null })
  await alone.stop()
})

test('whoever started a Worker is told when it ends on its own', slow, async () => {
  process.kill(workers.edge.pid() ?? 0, 'SIGKILL')
  await vi.waitFor(() => expect(deaths).toEqual(['edge']), 10_000)
  await expect(workers.edge.start()).resolves.toBeUndefined()
})

test('a Worker that does not build is one line with the reason', slow, async () => {
  const broken = await make('hub', join(root, 'broken'), `export default { fetch() { return nonsense( } }`)
  await expect(broken.start()).rejects.toThrow(
    /^Worker hub did not start: .*Unexpected.*broken\.ts:1:44.*Mend it and try again$/,
  )
  expect(broken.pid()).toBeNull()
})

async function ask(name: WorkerName, path: string): Promise<unknown> {
  const response = await fetch(`${workers[name].url}${path}`)
  return await response.json()
}

async function make(name: WorkerName, stateFolder: string, code?: string): Promise<Worker> {
  let config = join(root, `${name}.toml`)
  if (code !== undefined) {
    config = join(root, 'broken.toml')
    writeFileSync(config, 'name = "broken"\nmain = "broken.ts"\ncompatibility_date = "2026-09-18"\n')
    writeFileSync(join(root, 'broken.ts'), code)
  }
  mkdirSync(stateFolder, { recursive: true })
  const envFile = join(stateFolder, `${name}.env`)
  writeFileSync(envFile, formatEnv(name === 'control' ? values : { TRUSTED_KEYS: '[]' }))
  return makeWorker({
    name,
    config,
    envFile,
    port: await findFreePort(),
    host: '127.0.0.1',
    stateFolder,
    log: (line) => void logs.push(line),
    onDeath: (died) => void deaths.push(died),
  })
}

function hubBinding(entrypoint: string): string {
  return `[[services]]\nbinding = "HUB"\nservice = "tiny-hub"\nentrypoint = "${entrypoint}"\n`
}

function writeFiles(): void {
  const date = 'compatibility_date = "2026-09-18"\n'
  const kv = '[[kv_namespaces]]\nbinding = "KV"\nid = "shared"\n'
  const files = {
    'control.toml': `name = "tiny-control"\nmain = "control.ts"\n${date}[secrets]\nrequired = ["DATABASE_URL", "SIGNING_KEY"]\n${hubBinding('Publish')}`,
    'edge.toml': `name = "tiny-edge"\nmain = "edge.ts"\n${date}${kv}${hubBinding('Read')}`,
    'hub.toml': `name = "tiny-hub"\nmain = "hub.ts"\n${date}${kv}[[durable_objects.bindings]]\nname = "BOX"\nclass_name = "Box"\n[[migrations]]\ntag = "v1"\nnew_sqlite_classes = ["Box"]\n`,
    'control.ts': `
      export default { async fetch(request, env) {
        const url = new URL(request.url)
        if (url.pathname === '/env') return Response.json({ SIGNING_KEY: env.SIGNING_KEY, DATABASE_URL: env.DATABASE_URL })
        if (url.pathname === '/log') { console.log('said by the Worker'); console.error('planted failure') }
        if (url.pathname === '/publish') await env.HUB.publish(url.searchParams.get('value'))
        return Response.json(null)
      } }`,
    'edge.ts': `
      export default { async fetch(request, env) {
        const hub = await env.HUB.read().catch((error) => String(error))
        return Response.json({ hub, kv: await env.KV.get('value') })
      } }`,
    'hub.ts': `
      import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers'
      export class Box extends DurableObject {
        put(value) { this.ctx.storage.kv.put('value', value) }
        get() { return this.ctx.storage.kv.get('value') ?? null }
      }
      export class Publish extends WorkerEntrypoint {
        async publish(value) { await this.env.BOX.getByName('x').put(value); await this.env.KV.put('value', value) }
      }
      export class Read extends WorkerEntrypoint {
        async read() { return await this.env.BOX.getByName('x').get() }
      }
      export default { fetch: () => new Response('hub') }`,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
}
