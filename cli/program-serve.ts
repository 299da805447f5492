import { InvalidArgumentError, type Command } from 'commander'
import { usageError } from './command-error.ts'
import { withExamples } from './options.ts'

interface Options {
  readonly port: number
  readonly key?: string
  readonly env?: readonly string[]
  readonly json?: boolean
}

/** Adds `halyard serve FILE`: flags from a file as an OFREP server on this machine. */
export function addServe(program: Command): void {
  const command = program
    .command('serve <file>')
    .description(
      'serve the flags of a JSON or YAML file over OFREP on this machine, as the file has them for --env, with changes as they are saved; with --key to requests of that key alone',
    )
    .option('--port <number>', 'where to listen; 0 takes a free port', readPort, 8016)
    .action(async (file: string, _options: object, command: Command) => {
      const { port, key, env = [], json = false } = command.optsWithGlobals<Options>()
      const [environment, other] = env
      if (other !== undefined) throw usageError('serve takes one --env')
      const { serve } = await import('./commands/serve.ts')
      await serve(file, {
        port,
        isJson: json,
        signal: signalOfEnd(),
        ...(key !== undefined && { key }),
        ...(environment !== undefined && { environment }),
      })
    })
  withExamples(command, ['halyard serve flags.yaml', 'halyard serve flags.json --env production --port 9000'])
}

function signalOfEnd(): AbortSignal {
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => end.abort()) // more than once: npm passes it on
  return end.signal
}

function readPort(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('It is a whole number from 0 to 65535.')
}
