import { join } from 'node:path'

import { workerConfigs } from './build-workers.ts'
import { readCrons, startCrons } from './crons.ts'
import { fault } from './fault.ts'
import { findFreePort, requireFreePort } from './ports.ts'
import type { Postgres } from './postgres.ts'
import { seedDatabase, seedProject, type Seed } from './seed.ts'
import { keepSecrets, writeEnvFiles, type Secrets, type WorkerName } from './secrets.ts'
import { planDatabase, type DatabasePlan } from './stack-database.ts'
import { openStateFolder } from './state-folder.ts'
import { makeWorker, type Worker } from './workers.ts'

export interface StackPorts {
  readonly control: number
  readonly edge: number
  readonly hub: number
  readonly postgres: number
  readonly gateway: number
}

export interface StackOptions {
  /** A folder of its own, which keeps everything from one start to the next. */
  readonly stateDir: string
  /** Any free port for what is left out. */
  readonly ports?: Partial<StackPorts>
  /** Where the Workers listen; 127.0.0.1 if left out. */
  readonly host?: string
  /** The owner's URL of a Postgres to use instead of the embedded one, and one for migrations only. */
  readonly databaseUrl?: string | undefined
  readonly migrationDatabaseUrl?: string | undefined
  /** What `buildWorkers` made: runs that, and not the sources. */
  readonly built?: string
  /** Empties the folder first. */
  readonly isReset?: boolean
  readonly log?: (line: string) => void
  /** Told when a part ends without having been asked to. */
  readonly onDeath?: (part: WorkerName | 'postgres') => void
}

/** The whole of Halyard on this machine. */
export interface Stack {
  readonly urls: Readonly<Record<WorkerName, string>>
  readonly secrets: Secrets
  readonly seed: Seed
  readonly workers: Readonly<Record<WorkerName, Worker>>
  /** Null with a database of the developer's own. */
  readonly postgres: Postgres | null
  /** The owner's connection string: under row security, but no superuser. */
  readonly databaseUrl: string
  readonly stop: () => Promise<void>
}

const portRemedy = 'Stop what listens there, or choose other ports: npm run dev -- --help'

/** Starts Postgres, the gateway, the three Workers and their crons, with demo data; on failure leaves nothing running. */
export async function startStack(options: StackOptions): Promise<Stack> {
  await using resources = new AsyncDisposableStack()
  const { path, release } = openStateFolder(options.stateDir, options.isReset ?? false)
  resources.defer(release)
  const stack = await build(options, path, resources)
  const kept = resources.move()
  let stopping: Promise<void> | null = null
  const stop = () => (stopping ??= kept.disposeAsync())
  return { ...stack, stop }
}

async function build(
  options: StackOptions,
  stateFolder: string,
  resources: AsyncDisposableStack,
): Promise<Omit<Stack, 'stop'>> {
  const { log = () => {}, onDeath = () => {} } = options
  const [secrets, ports] = await Promise.all([keepSecrets(stateFolder), choosePorts(options)])
  const plan = planDatabase({
    stateFolder,
    secrets,
    postgresPort: ports.postgres,
    gatewayPort: ports.gateway,
    databaseUrl: options.databaseUrl,
    migrationDatabaseUrl: options.migrationDatabaseUrl,
    onDeath: () => onDeath('postgres'),
  })
  const envFiles = writeEnvFiles(stateFolder, secrets, {
    databaseUrl: plan.appUrl,
    neonGateway: plan.gateway,
    edgeUrl: `http://localhost:${ports.edge}`,
    consoleUrl: `http://localhost:${ports.control}`,
  })
  const workers = makeWorkers(options, stateFolder, ports, envFiles)
  log('starting Postgres and the Workers ...')
  const postgres = await startTogether(plan, Object.values(workers), resources)
  await seedDatabase(stateFolder, plan.ownerUrl, secrets.idCheckSecret)
  await requireHealth(workers.control.url)
  const seed = await seedProject(stateFolder, workers.control.url)
  resources.defer(startCrons(workers.control.url, readCrons(workerConfigs.control), log))
  const urls = { control: workers.control.url, hub: workers.hub.url, edge: workers.edge.url }
  return { urls, secrets, seed, workers, postgres, databaseUrl: plan.ownerUrl }
}

function makeWorkers(
  { host = '127.0.0.1', built, log = () => {}, onDeath = () => {} }: StackOptions,
  stateFolder: string,
  ports: StackPorts,
  envFiles: Readonly<Record<WorkerName, string>>,
): Stack['workers'] {
  const make = (name: WorkerName) =>
    makeWorker({
      name,
      config: workerConfigs[name],
      ...(built !== undefined && { script: join(built, name, 'main.js') }),
      envFile: envFiles[name],
      port: ports[name],
      host,
      stateFolder,
      log: (line) => log(`[${name}] ${line}`),
      onDeath,
    })
  return { control: make('control'), hub: make('hub'), edge: make('edge') }
}

/** Starts database and Workers at once; waits for all of them, also when one fails, so that all can be stopped. */
async function startTogether(
  plan: DatabasePlan,
  workers: readonly Worker[],
  resources: AsyncDisposableStack,
): Promise<Postgres | null> {
  const [database, ...rest] = await Promise.allSettled([
    plan.start(resources),
    ...workers.map((worker) => worker.start()),
  ])
  resources.defer(async () => {
    await Promise.all(workers.map((worker) => worker.stop())) // before the database, which was started earlier
  })
  if (database.status === 'rejected') throw database.reason
  for (const result of rest) if (result.status === 'rejected') throw result.reason
  return database.value
}

async function choosePorts({ ports = {}, databaseUrl }: StackOptions): Promise<StackPorts> {
  const choose = async (name: keyof StackPorts) => {
    const port = ports[name]
    if (port === undefined) return findFreePort()
    if (name !== 'postgres' || databaseUrl === undefined) await requireFreePort(port, name, portRemedy)
    return port
  }
  const names = ['control', 'edge', 'hub', 'postgres', 'gateway'] as const
  const [control, edge, hub, postgres, gateway] = await Promise.all(names.map(choose))
  return { control, edge, hub, postgres, gateway } as StackPorts // one for each name
}

/** Control answers 503 while it cannot work with its database. */
async function requireHealth(controlUrl: string): Promise<void> {
  const response = await fetch(`${controlUrl}/healthz`)
  const text = await response.text()
  if (!response.ok) throw fault(`Control does not serve: ${text.trim()}`, 'Look at its log above')
}
