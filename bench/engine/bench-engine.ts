import { fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { fault } from '../../dev/fault.ts'
import { bundleEngine } from './bundle-engine.ts'
import { installPeers } from './install-peers.ts'
import { median, type Figure } from './measure.ts'
import type * as OwnModule from './own-scenarios.ts'
import { peers } from './peer-list.ts'
import type { ScenarioFigures } from './run-scenario.ts'
import { scenarios, type Scenario } from './scenario.ts'

/** Nanoseconds, and beside them what else was measured. */
export interface Comparison {
  readonly title: string
  readonly halyard: number
  readonly floor: number
  readonly peers: Readonly<Record<string, number>>
  readonly goal: number
  /** Bytes that an operation allocates, by product; null where that was not measured. */
  readonly bytes: Readonly<Record<string, number | null>>
  readonly goalBytes: number | null
}

export interface EngineResults {
  readonly scenarios: Readonly<Record<string, Comparison>>
  /** Versions of the peers' packages; empty if none took part. */
  readonly versions: Readonly<Record<string, string>>
}

export interface EngineOptions {
  readonly withPeers: boolean
  /** Those to measure; all if there are none. */
  readonly only: readonly string[]
}

const coldRounds = 7
const own = ['halyard', 'floor']

/** Measures the engine, its floor and the peers in process, scenario by scenario, in random order. Takes some minutes. */
export async function benchEngine({ withPeers, only }: EngineOptions): Promise<EngineResults> {
  const versions = withPeers ? installPeers() : {}
  const names = withPeers ? [...own, ...Object.keys(peers)] : own
  const isWanted = (name: string) => only.length === 0 || only.includes(name)
  return withBundle(async (folder) => {
    const results: Record<string, Comparison> = {}
    /* oxlint-disable no-await-in-loop -- one process at a time, or they would take each other's core */
    for (const [name, scenario] of Object.entries(scenarios)) {
      if (isWanted(name)) results[name] = await compare(folder, name, scenario, names)
    }
    for (const [name, scenario] of Object.entries(await ownOf(folder))) {
      if (!isWanted(name)) continue
      console.error(`halyard: measuring ${name}, ${scenario.title}`)
      results[name] = comparison(scenario, await runScenario([folder, name]))
    }
    /* oxlint-enable no-await-in-loop */
    return { scenarios: results, versions }
  })
}

/** Throws if any peer answers otherwise than Halyard in any scenario. */
export async function checkPeers(): Promise<void> {
  installPeers()
  await withBundle(async (folder) => {
    for (const [name, scenario] of Object.entries(scenarios)) {
      if (scenario.kind === 'load') continue // the flags of F
      const products = [...own, ...entrants(name, Object.keys(peers))]
      await runScenario([folder, name, 'check', ...products]) // oxlint-disable-line no-await-in-loop
      console.log(`${name}: ${products.length} products agree`)
    }
  })
}

async function compare(
  folder: string,
  name: string,
  scenario: Scenario,
  names: readonly string[],
): Promise<Comparison> {
  console.error(`halyard: measuring ${name}, ${scenario.title}`)
  const products = [
    ...own,
    ...entrants(
      name,
      names.filter((each) => !own.includes(each)),
    ),
  ]
  const figures = scenario.isCold
    ? await measureCold(folder, name, products)
    : await runScenario([folder, name, 'measure', ...products])
  return comparison(scenario, figures)
}

/** The peers that have a part in a scenario. */
function entrants(scenario: string, names: readonly string[]): string[] {
  return names.filter((name) => peers[name]?.cannot?.[scenario] === undefined)
}

/** Each time in a fresh process; nothing is compiled there yet. */
async function measureCold(
  folder: string,
  name: string,
  products: readonly string[],
): Promise<ScenarioFigures> {
  const figures: Record<string, Figure> = {}
  for (const product of products) {
    const times: number[] = []
    for (let round = 0; round < coldRounds; round++) {
      const once = await runScenario([folder, name, 'measure', product]) // oxlint-disable-line no-await-in-loop
      times.push(once[product]?.ns ?? Number.NaN)
    }
    figures[product] = { ns: median(times), bytes: Number.NaN }
  }
  return figures
}

function comparison(
  { title, goalNs, goalBytes }: Pick<Scenario, 'title' | 'goalNs' | 'goalBytes'>,
  figures: ScenarioFigures,
): Comparison {
  const rows = Object.entries(figures)
  return {
    title,
    halyard: figures['halyard']?.ns ?? Number.NaN,
    floor: figures['floor']?.ns ?? Number.NaN,
    peers: Object.fromEntries(
      rows.filter(([name]) => !own.includes(name)).map(([name, { ns }]) => [name, ns]),
    ),
    goal: goalNs,
    bytes: Object.fromEntries(rows.map(([name, { bytes }]) => [name, Number.isNaN(bytes) ? null : bytes])),
    goalBytes: goalBytes ?? null,
  }
}

async function ownOf(folder: string): Promise<Readonly<Record<string, Pick<Scenario, 'title' | 'goalNs'>>>> {
  const built: typeof OwnModule = await import(pathToFileURL(join(folder, 'own-scenarios.js')).href)
  return { ...built.ownScenarios, ...built.ownLoads }
}

async function withBundle<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-bench-'))
  try {
    await bundleEngine(folder)
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Runs the program that measures a scenario, and gives the figures that it sends. */
function runScenario(args: readonly string[]): Promise<ScenarioFigures> {
  // A cache of compiled code would make what is cold warm; some peers log more outside of production.
  const { NODE_COMPILE_CACHE: _, ...env } = process.env
  const path = fileURLToPath(new URL('run-scenario.ts', import.meta.url))
  const child = fork(path, args, { env: { ...env, NODE_ENV: 'production' } })
  return new Promise((resolve, reject) => {
    let figures: ScenarioFigures | null = null
    child.once('message', (message) => (figures = message as ScenarioFigures)) // the program sends nothing else
    child.once('error', reject)
    child.once('exit', (code) => {
      if (figures === null)
        reject(fault(`Scenario ${args.slice(1).join(' ')} ended with code ${code}`, 'See above'))
      else resolve(figures)
    })
  })
}
