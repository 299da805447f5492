import { resolve as toAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileFlagFile } from '@halyard/shared/flag-file/compile-flag-file.ts'
import type { FlagFile } from '@halyard/shared/flag-file/flag-file.ts'
import { environmentsOf, resolve } from '@halyard/shared/flag-file/resolve.ts'
import { checkLogger } from '../client/check-options.ts'
import type { Logger } from '../client/flag-client.ts'
import type { AnyFlags } from '../client/flag-types.ts'
import { followFlagFile, readFromDisk, type FileReading } from './follow-flag-file.ts'
import { makeHeldFlags, type HeldFlags, type LocalClient } from './held-client.ts'
import { listFaults, readObject, type FlagFileInput } from './read-object.ts'

interface CommonOptions {
  /** The flags are as the file has them for this environment; if left out, as it has them for none. */
  readonly environment?: string
  /** Hears what is wrong with the file; nobody does if it is left out. */
  readonly logger?: Logger
}

export interface FileOptions extends CommonOptions {
  /** A JSON or YAML file (`.json`, `.yaml`, `.yml`), from the working directory if it is a relative path. */
  readonly file: string | URL
  /** Whether changes of the file take effect while the process runs; true if left out. */
  readonly watch?: boolean
}

export type LocalOptions = FileOptions | (CommonOptions & FlagFileInput)

const made = 'createLocalClient'

/**
 * Flags from a file, evaluated here: no server, no network. Throws a TypeError that names everything that is wrong with
 * the options or the file. Later a broken file leaves the last good flags in place, and `status().error` says why.
 */
export function createLocalClient<F extends object = AnyFlags>(options: LocalOptions): LocalClient<F> {
  checkOptions(options)
  return 'file' in options ? fromFile<F>(options) : fromObject<F>(options)
}

function fromObject<F extends object>(options: CommonOptions & FlagFileInput): LocalClient<F> {
  const { environment, logger: given, ...content } = options
  const logger = checkLogger(made, given)
  const file = readObject(content)
  warnOfEnvironment(file, environment, logger)
  const body = compileFlagFile(resolve(file, environment))
  return makeHeldFlags<F>({ body, origin: 'memory', now: Date.now, logger }).client
}

function fromFile<F extends object>(options: FileOptions): LocalClient<F> {
  const { file, environment, watch = true } = options
  const logger = checkLogger(made, options.logger)
  const path = toAbsolute(typeof file === 'string' ? file : fileURLToPath(file)) // a process may change its folder
  const reading = readFromDisk(path)
  if (reading.file === null) throw new TypeError(listFaults(`${path} cannot be used`, reading.faults))
  warnOfEnvironment(reading.file, environment, logger)
  let stop: (() => void) | undefined
  const body = compileFlagFile(resolve(reading.file, environment))
  const held = makeHeldFlags<F>({ body, origin: 'file', now: Date.now, logger, onClose: () => stop?.() })
  if (watch) stop = followFlagFile(path, reading, (next) => take(held, next, { path, environment, logger }))
  return held.client
}

interface Taking {
  readonly path: string
  readonly environment: string | undefined
  readonly logger: Logger
}

function take(
  held: Pick<HeldFlags<object>, 'put' | 'setState'>,
  reading: FileReading,
  { path, environment, logger }: Taking,
): void {
  if (reading.file === null) {
    const error = listFaults(`${path} cannot be used, and the flags stay as they were`, reading.faults)
    logger.error(error)
    return held.setState('stale', error)
  }
  const flags = held.put(compileFlagFile(resolve(reading.file, environment)))
  held.setState('live')
  logger.debug(`${path} was read again; changed: ${flags.join(', ') || 'no flag'}`)
}

function warnOfEnvironment(file: FlagFile, environment: string | undefined, logger: Logger): void {
  const named = environmentsOf(file)
  if (environment === undefined || named.length === 0 || named.includes(environment)) return
  logger.warn(`the flags name no environment "${environment}"; they name ${named.join(', ')}`)
}

const fileOptions = ['file', 'environment', 'watch', 'logger']

function checkOptions(options: LocalOptions): void {
  if (typeof options !== 'object' || options === null)
    throw wrong(`takes an object such as {file: 'flags.json'}, not ${String(options)}`)
  const has = (name: string) => Object.hasOwn(options, name)
  if (has('file') === has('flags')) throw wrong('takes either "file" or "flags"')
  const unknown = has('file') && Object.keys(options).find((name) => !fileOptions.includes(name))
  if (unknown) throw wrong(`"${unknown}" is no option; there is ${fileOptions.join(', ')}`)
  const { file, environment, watch }: { readonly [name: string]: unknown } = { ...options }
  if (
    has('file') &&
    !(typeof file === 'string' && file !== '') &&
    !(file instanceof URL && file.protocol === 'file:')
  )
    throw wrong(`"file" must be a path or a file: URL, not ${String(file)}`)
  if (environment !== undefined && typeof environment !== 'string')
    throw wrong(`"environment" must be a text, not ${String(environment)}`)
  if (watch !== undefined && typeof watch !== 'boolean')
    throw wrong(`"watch" must be true or false, not ${String(watch)}`)
}

function wrong(detail: string): TypeError {
  return new TypeError(`${made}: ${detail}`)
}
