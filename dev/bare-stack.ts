import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { V4MiniflareOptions } from 'miniflare'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'
import { makeBareProcess, type BareProcess } from './bare-process.ts'
import type { BareOrder } from './bare-workers.ts'
import { makeBreakableDatabase, type BreakableDatabase } from './breakable-database.ts'
import { workerConfigs } from './build-workers.ts'
import { readCrons } from './crons.ts'
import { findFreePort } from './ports.ts'
import { seedDatabase, seedProject, type Seed } from './seed.ts'
import { keepSecrets, workerVariables, type Secrets, type WorkerName } from './secrets.ts'
import { planDatabase } from './stack-database.ts'

export interface BareOptions {
  /** A folder of its own, which keeps everything from one start to the next. */
  readonly stateDir: string
  /** What `buildWorkers` made. */
  readonly built: string
  /** Gives the hub a process of its own, so that it can die alone. Slower: two workerd, joined by a registry. */
  readonly isHubApart?: boolean
  /** A built Worker that stands between the edge and its hub, and between both and KV: a drill's. Not with `isHubApart`. */
  readonly between?: string
  readonly log?: (line: string) => void
}

/** The whole of Halyard on bare workerd: fast enough to measure, and each part can be killed and come back. */
export interface BareStack {
  readonly urls: Readonly<Record<'control' | 'edge' | 'between', string>>
  readonly secrets: Secrets
  readonly seed: Seed
  /** The same process three times, unless the hub has its own. */
  readonly processes: Readonly<Record<WorkerName, BareProcess>>
  readonly database: BreakableDatabase
  /** `kill -9` of the edge; the next one is in a location whose cache holds nothing. */
  readonly moveEdge: () => Promise<void>
  /** The owner's connection string, and that of control with its gateway. */
  readonly ownerUrl: string
  readonly appUrl: string
  readonly gateway: string
  readonly stop: () => Promise<void>
}

interface WorkerOptions extends Readonly<Record<string, unknown>> {
  readonly name: string
  readonly serviceBindings?: object
}

/** What the configurations call the Workers. */
const names = {
  control: 'halyard-control',
  hub: 'halyard-hub',
  edge: 'halyard-edge',
  between: 'halyard-between',
} as const

/** Starts Postgres, its gateway and the built Workers, with demo data; on failure leaves nothing running. */
export async function startBareStack(options: BareOptions): Promise<BareStack> {
  await using resources = new AsyncDisposableStack()
  const { stateDir, log = () => {} } = options
  mkdirSync(stateDir, { recursive: true })
  const secrets = await keepSecrets(stateDir)
  const [controlPort = 0, edgePort = 0, betweenPort = 0, postgresPort = 0, gatewayPort = 0] =
    await Promise.all(Array.from({ length: 5 }, findFreePort))
  const plan = planDatabase({ stateFolder: stateDir, secrets, postgresPort, gatewayPort, onDeath: () => {} })
  const gateway = `127.0.0.1:${gatewayPort}`
  const urls = {
    control: `http://127.0.0.1:${controlPort}`,
    edge: `http://127.0.0.1:${edgePort}`,
    between: `http://127.0.0.1:${betweenPort}`,
  }
  const variables = workerVariables(secrets, {
    databaseUrl: plan.appUrl,
    neonGateway: gateway,
    edgeUrl: urls.edge,
    consoleUrl: urls.control,
  })
  const ports = { control: controlPort, edge: edgePort, between: betweenPort }
  const processes = makeProcesses(options, { variables, ports, log })
  const database = makeBreakableDatabase(plan, join(stateDir, 'postgres'), resources)
  for (const each of new Set(Object.values(processes))) resources.defer(each.kill9)
  await Promise.all([database.start(), ...Object.values(processes).map((each) => each.start())])
  await seedDatabase(stateDir, plan.ownerUrl, secrets.idCheckSecret)
  const seed = await seedProject(stateDir, urls.control)
  const moveEdge = async () => {
    await processes.edge.kill9()
    rmSync(join(stateDir, 'workers', 'cache'), { recursive: true, force: true })
    await processes.edge.start()
  }
  const kept = resources.move()
  return {
    urls,
    secrets,
    seed,
    processes,
    database,
    moveEdge,
    gateway,
    ownerUrl: plan.ownerUrl,
    appUrl: plan.appUrl,
    stop: () => kept.disposeAsync(),
  }
}

interface Wiring {
  readonly variables: ReturnType<typeof workerVariables>
  readonly ports: Readonly<Record<'control' | 'edge' | 'between', number>>
  readonly log: (line: string) => void
}

function makeProcesses(options: BareOptions, wiring: Wiring): BareStack['processes'] {
  const hub = describe('hub', options, wiring)
  const control = describe('control', options, wiring)
  const edge = describe('edge', options, wiring)
  const between = options.between === undefined ? [] : [describeBetween(options.between, wiring)]
  const crons = { worker: names.control, expressions: readCrons(workerConfigs.control) }
  const registry = options.isHubApart ? registryOf(options) : undefined
  const make = (workers: readonly WorkerOptions[], of: BareOrder['crons']) =>
    makeBareProcess({
      order: { workers: shared(options, workers), names: workers.map(({ name }) => name), crons: of },
      log: wiring.log,
      registry,
    })
  if (!options.isHubApart) {
    const all = make([control, edge, hub, ...between], crons)
    return { control: all, edge: all, hub: all }
  }
  const rest = make([control, edge, ...between], crons)
  return { control: rest, edge: rest, hub: make([hub], null) }
}

function registryOf({ stateDir }: BareOptions): string {
  return join(stateDir, 'registry')
}

function shared(options: BareOptions, workers: readonly WorkerOptions[]): V4MiniflareOptions {
  const { stateDir, isHubApart } = options
  return {
    workers,
    resourcePersistencePath: join(stateDir, 'workers'),
    isolatedResourcePersistencePath: join(stateDir, 'workers'),
    ...(isHubApart && { unsafeDevRegistryPath: registryOf(options) }),
  } as unknown as V4MiniflareOptions // wrangler made the workers' part, in the form of its own miniflare
}

function describe(
  name: WorkerName,
  { built, between }: BareOptions,
  { variables, ports }: Wiring,
): WorkerOptions {
  process.env['WRANGLER_LOG'] = 'none' // it would miss the secrets, which are given below
  const { workerOptions } = unstable_getMiniflareWorkerOptions(workerConfigs[name])
  delete process.env['WRANGLER_LOG']
  const options = {
    ...workerOptions,
    name: names[name],
    rootPath: undefined,
    modules: [{ type: 'ESModule', path: join(built, name, 'main.js') }],
    modulesRoot: join(built, name),
    bindings: { ...(workerOptions['bindings'] as object | undefined), ...variables[name] }, // plain variables
    ...(name !== 'hub' && { unsafeDirectSockets: [{ host: '127.0.0.1', port: ports[name] }] }),
  }
  return name === 'control' || between === undefined ? options : leadThroughBetween(name, options)
}

/** What the edge calls its hub, and both call KV, are entrypoints of the Worker between, which have the same methods. */
function leadThroughBetween(name: 'edge' | 'hub', options: WorkerOptions): WorkerOptions {
  const serviceBindings = {
    ...options.serviceBindings,
    ...(name === 'edge' && { HUB: { name: names.between, entrypoint: 'HubRead' } }),
    SNAPSHOTS: { name: names.between, entrypoint: 'Snapshots' },
  }
  return { ...options, kvNamespaces: {}, serviceBindings }
}

function describeBetween(script: string, { ports }: Wiring): WorkerOptions {
  return {
    name: names.between,
    modules: [{ type: 'ESModule', path: script }],
    modulesRoot: '/',
    compatibilityDate: '2026-09-18',
    kvNamespaces: { SNAPSHOTS: 'halyard-snapshots', ORDERS: 'drill-orders' },
    serviceBindings: { HUB: { name: names.hub, entrypoint: 'HubRead' } },
    unsafeDirectSockets: [{ host: '127.0.0.1', port: ports.between }],
  }
}
