/** `npm run interop [NAME …]`: runs the examples against a local edge, each where its tools are installed. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { startBareStack, type BareStack } from '../../dev/bare-stack.ts'
import { buildWorkers } from '../../dev/build-workers.ts'
import { failWith, fault } from '../../dev/fault.ts'
import { packPackages } from '../../dev/pack-packages.ts'
import type { InteropCase, Seen, Surroundings, Visitors } from './interop-case.ts'
import { languages } from './languages.ts'
import { packages } from './packages.ts'
import { runProgram } from './run-program.ts'

interface Row {
  readonly name: string
  readonly outcome: 'works' | 'skipped' | 'FAILED'
  readonly detail: string
}

const patienceMs = 60_000
const cases = [...packages, ...languages]

await main(process.argv.slice(2)).catch(failWith)

async function main(names: readonly string[]): Promise<void> {
  const chosen = names.length === 0 ? cases : cases.filter(({ name }) => names.includes(name))
  if (chosen.length === 0)
    throw fault(
      `There is no example ${names.join(', ')}`,
      `There are ${cases.map(({ name }) => name).join(', ')}`,
    )
  await using resources = new AsyncDisposableStack()
  const folder = mkdtempSync(join(tmpdir(), 'halyard-interop-'))
  resources.defer(() => rmSync(folder, { recursive: true, force: true }))
  const built = join(folder, 'workers')
  console.log('building and starting a local stack ...')
  await buildWorkers(built)
  const stack = await startBareStack({ stateDir: join(folder, 'state'), built })
  resources.defer(stack.stop)
  const { serverKey, clientKey } = stack.seed.environments.production
  const packed = lazily(() => packPackages(join(folder, 'npm')))
  const runtimes = lazily(() => installRuntimes(join(folder, 'runtimes')))
  const around = { edge: stack.urls.edge, serverKey, clientKey, packed, runtimes }
  const rows: Row[] = []
  for (const [index, each] of chosen.entries()) {
    const own = join(folder, 'examples', String(index))
    mkdirSync(own, { recursive: true })
    rows.push(await tryCase(each, { ...around, folder: own }, stack)) // oxlint-disable-line no-await-in-loop -- they toggle the same flag
    console.log(format(rows.at(-1)))
  }
  const count = (outcome: Row['outcome']) => rows.filter((row) => row.outcome === outcome).length
  console.log(`${count('works')} work, ${count('skipped')} skipped, ${count('FAILED')} failed`)
  process.exitCode = count('FAILED') === 0 ? 0 : 1
}

/** Bun and Deno come from npm, which runs their installers: they are programs. */
async function installRuntimes(folder: string): Promise<string> {
  mkdirSync(folder)
  const args = ['install', '--no-audit', '--no-fund', '--prefix', folder, 'bun@1', 'deno@2']
  await runProgram({ command: 'npm', args, cwd: folder })
  return join(folder, 'node_modules', '.bin')
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}

async function tryCase(each: InteropCase, around: Surroundings, stack: BareStack): Promise<Row> {
  const { name } = each
  const missing = each.needs.filter((program) => !isInstalled(program))
  if (missing.length > 0) return { name, outcome: 'skipped', detail: `without ${missing.join(', ')}` }
  try {
    await using running = new AsyncDisposableStack()
    await toggle(stack, true)
    const see = await each.start(around, running)
    await expectSeen(see, await expected(around, true))
    const from = performance.now()
    await toggle(stack, false)
    await expectSeen(see, await expected(around, false))
    return {
      name,
      outcome: 'works',
      detail: `a toggle is seen after ${Math.round(performance.now() - from)} ms`,
    }
  } catch (error) {
    return { name, outcome: 'FAILED', detail: error instanceof Error ? error.message : String(error) }
  }
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`])
    return true
  } catch {
    return false // that is the answer
  }
}

/** What the edge itself gives, which for Germany is known beforehand. */
async function expected({ edge, serverKey }: Surroundings, newCheckout: boolean): Promise<Visitors> {
  const url = `${edge}/ofrep/v1/evaluate/flags/checkout-theme`
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${serverKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ context: { targetingKey: 'user-123' } }),
  })
  const { value: theme }: { readonly value: string } = JSON.parse(await response.text())
  return { 'user-123': { newCheckout, theme }, anna: { newCheckout, theme: 'compact' } satisfies Seen }
}

async function toggle({ urls, seed }: BareStack, enabled: boolean): Promise<void> {
  const path = '/orgs/demo/projects/shop/environments/production/flags/new-checkout/toggle'
  const response = await fetch(`${urls.control}/api/v1${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${seed.managementKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ enabled }),
  })
  if (!response.ok) throw new Error(`the toggle was answered ${response.status}: ${await response.text()}`)
}

/** Looks until it is as wanted; what an example cannot show yet it may show later. */
async function expectSeen(see: () => Promise<Visitors>, wanted: Visitors): Promise<void> {
  const end = Date.now() + patienceMs
  for (;;) {
    const seen = await see().catch((error: unknown) =>
      error instanceof Error ? error.message : String(error),
    )
    if (isDeepStrictEqual(seen, wanted)) return
    if (Date.now() > end) throw new Error(`saw ${JSON.stringify(seen)}, wanted ${JSON.stringify(wanted)}`)
    await new Promise((resolve) => setTimeout(resolve, 50)) // oxlint-disable-line no-await-in-loop -- looks again
  }
}

function format(row: Row | undefined): string {
  return row === undefined ? '' : `${row.name.padEnd(22)} ${row.outcome.padEnd(8)} ${row.detail}`
}
