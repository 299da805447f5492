import { parseArgs } from 'node:util'
import { fault, failWith } from './fault.ts'
import { formatPanel } from './panel.ts'
import { startStack, type Stack, type StackOptions } from './stack.ts'

const usage = `npm run dev -- [options]

  --reset               start over: removes what earlier starts have kept
  --port N              control and console (8787)
  --edge-port N         edge (8788)
  --hub-port N          hub (8789)
  --postgres-port N     embedded Postgres (54329)
  --gateway-port N      gateway of Neon's driver (54330)
  --host ADDRESS        where the Workers listen (127.0.0.1)
  --state FOLDER        what is kept (.halyard)

DATABASE_URL names a Postgres of your own by its owner's connection string; MIGRATION_DATABASE_URL another role for
migrations only.`

const flag = { type: 'boolean', default: false } as const
const text = (preset: string) => ({ type: 'string', default: preset }) as const

await main().catch(failWith)

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (options === null) return console.log(usage)
  const end = Promise.withResolvers<number>()
  // While it still starts, whatever runs ends with this process: each part has its guard.
  let running = null as Stack | null // assigned in start(), which the compiler does not see
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.resolve(0))
  process.once('disconnect', () => end.resolve(0)) // whoever started us has gone
  const onDeath = (part: string) => {
    console.error(
      `error: ${part} ended on its own. What it said last is above; start again with: npm run dev`,
    )
    end.resolve(1)
  }
  const start = async () => {
    const startMs = Date.now()
    const stack = await startStack({ ...options, log: (line) => console.log(line), onDeath })
    running = stack
    console.log(formatPanel(stack, options.stateDir))
    console.log(`Ready in ${((Date.now() - startMs) / 1000).toFixed(1)} s. Stop with Ctrl-C.`)
  }
  start().catch((error: unknown) => end.reject(error))
  const code = await end.promise
  await running?.stop()
  process.exit(code)
}

/** Null when help was asked for. */
function readOptions(args: readonly string[]): StackOptions | null {
  const values = parse(args)
  if (values.help) return null
  return {
    stateDir: values.state,
    isReset: values.reset,
    host: values.host,
    ports: {
      control: readPort(values.port, 'port'),
      edge: readPort(values['edge-port'], 'edge-port'),
      hub: readPort(values['hub-port'], 'hub-port'),
      postgres: readPort(values['postgres-port'], 'postgres-port'),
      gateway: readPort(values['gateway-port'], 'gateway-port'),
    },
    databaseUrl: process.env['DATABASE_URL'] || undefined,
    migrationDatabaseUrl: process.env['MIGRATION_DATABASE_URL'] || undefined,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: flag,
        reset: flag,
        port: text('8787'),
        'edge-port': text('8788'),
        'hub-port': text('8789'),
        'postgres-port': text('54329'),
        'gateway-port': text('54330'),
        host: text('127.0.0.1'),
        state: text('.halyard'),
      },
    }).values
  } catch (error) {
    throw fault(error instanceof Error ? error.message : String(error), 'See npm run dev -- --help')
  }
}

function readPort(value: string, name: string): number {
  const port = Number(value)
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port
  throw fault(`--${name} ${value} is not a port`, 'Ports are 1 to 65535')
}
