import { describeFault, type FileFault } from '@halyard/shared/flag-file/file-fault.ts'
import type { FlagFile } from '@halyard/shared/flag-file/flag-file.ts'
import { compileFlagFile } from '@halyard/shared/flag-file/compile-flag-file.ts'
import { environmentsOf, resolve } from '@halyard/shared/flag-file/resolve.ts'
import { flagKeys } from '@halyard/shared/engine/snapshot.ts'
import { followFlagFile, readFromDisk, type FileReading } from '@halyard/sdk/local/follow-flag-file.ts'
import { CommandError, exitCodes, usageError } from '../command-error.ts'
import { paint, printJsonLine, printLine, visible } from '../output.ts'
import { listen, type HttpServer } from '../serve/http-server.ts'
import { makeOfrepHandler } from '../serve/ofrep-handler.ts'
import { makeServedFlags, type ServedFlags } from '../serve/served-flags.ts'

export interface ServeOptions {
  readonly port: number
  /** What requests must carry; if left out, anything or nothing. */
  readonly key?: string
  readonly environment?: string
  readonly isJson: boolean
  /** Ends it. */
  readonly signal: AbortSignal
}

type Event =
  | {
      readonly event: 'serving'
      readonly url: string
      readonly file: string
      readonly environment: string | null
      readonly flags: number
    }
  | { readonly event: 'changed'; readonly flags: readonly Change[] }
  | { readonly event: 'broken'; readonly faults: readonly FileFault[] }

interface Change {
  readonly key: string
  readonly change: 'added' | 'changed' | 'removed'
}

/** `serve`: flags of a file over OFREP on this machine, until it is interrupted. */
export async function serve(path: string, options: ServeOptions): Promise<void> {
  const { environment, key = null, port, signal, isJson } = options
  const reading = readFromDisk(path)
  if (reading.file === null)
    throw usageError(`${path} cannot be served`, ...reading.faults.map(describeFault))
  refuseUnknown(reading.file, environment)
  const bodyOf = (file: FlagFile) => compileFlagFile(resolve(file, environment))
  const flags = makeServedFlags(bodyOf(reading.file), Date.now())
  const server = await open(makeOfrepHandler({ flags, now: Date.now, key, signal }), port)
  const tell = isJson ? printJsonLine : (event: Event) => printEvent(event, path)
  const count = flagKeys(flags.snapshot()).length
  const url = `http://localhost:${server.port}`
  tell({ event: 'serving', url, file: path, environment: environment ?? null, flags: count })
  const stop = followFlagFile(path, reading, (next) => tell(take(flags, next, bodyOf)))
  await interrupted(signal)
  stop()
  await server.close()
}

function take(flags: ServedFlags, reading: FileReading, bodyOf: (file: FlagFile) => string): Event {
  if (reading.file === null) return { event: 'broken', faults: reading.faults }
  const before = new Set(flagKeys(flags.snapshot()))
  const changed = flags.put(bodyOf(reading.file))
  const after = new Set(flagKeys(flags.snapshot()))
  return {
    event: 'changed',
    flags: changed.map((key) => ({
      key,
      change: !before.has(key) ? 'added' : after.has(key) ? 'changed' : 'removed',
    })),
  }
}

/** A name that the file does not know is more often a slip than an environment without a difference. */
function refuseUnknown(file: FlagFile, environment: string | undefined): void {
  const named = environmentsOf(file)
  if (environment === undefined || named.includes(environment)) return
  const known = named.length === 0 ? 'it names none: leave --env out' : `it names ${named.join(', ')}`
  throw usageError(`the file says nothing of an environment "${environment}"; ${known}`)
}

async function open(handler: ReturnType<typeof makeOfrepHandler>, port: number): Promise<HttpServer> {
  try {
    return await listen(handler, port)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw cause
    const why = code === 'EACCES' ? 'may not be opened' : 'is taken'
    throw new CommandError(exitCodes.failed, `port ${port} ${why}`, [
      'give another with --port; 0 takes a free one',
    ])
  }
}

function interrupted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done()
    else signal.addEventListener('abort', () => done(), { once: true })
  })
}

function printEvent(event: Event, path: string): void {
  switch (event.event) {
    case 'serving': {
      const where = event.environment === null ? '' : ` in ${event.environment}`
      printLine(
        `serving ${event.flags} flags of ${visible(path)}${where} at ${paint('bold', event.url)}; Ctrl-C ends it`,
      )
      return printLine(paint('dim', `OpenFeature: an OFREP provider with baseUrl ${event.url}`))
    }
    case 'changed':
      return printTimed(
        event.flags.map(({ key, change }) => `${paint('bold', visible(key))} ${change}`).join(', ') ||
          paint('dim', 'no flag changed'),
      )
    case 'broken':
      printTimed(paint('red', `${visible(path)} is broken; what was read before is still served`))
      for (const fault of event.faults) printLine(`  ${visible(describeFault(fault))}`)
      return undefined
  }
  return event satisfies never
}

function printTimed(text: string): void {
  printLine(`${paint('dim', new Date().toTimeString().slice(0, 8))}  ${text}`)
}
