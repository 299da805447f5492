/** Options of clients, checked where a client is made: the one place that throws, a TypeError that says what is allowed. */
import { parseKey, type KeyClass } from '@halyard/shared/protocol/keys.ts'
import type { Logger } from './flag-client.ts'

/** Refuses options that are no object, or that hold a name that is not known. */
export function checkNames(made: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`${made}: the options must be an object, not ${show(options)}`)
  const unknown = Object.keys(options).find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new TypeError(`${made}: there is no option "${unknown}"; there are ${names.join(', ')}`)
}

/** The origin of an edge. */
export function checkEdge(made: string, edge: unknown): string {
  const url = typeof edge === 'string' && URL.canParse(edge) ? new URL(edge) : null
  const isOrigin = url !== null && url.pathname === '/' && url.search === '' && url.hash === ''
  if (isOrigin && url.username === '' && /^https?:$/.test(url.protocol)) return url.origin
  throw new TypeError(
    `${made}: "edge" must be the origin of an edge, such as "https://flags.example.com", not ${show(edge)}`,
  )
}

/** The environment that a key of that class names, as `env_…`. What the key was, the error does not say. */
export function checkKey(made: string, key: unknown, keyClass: Exclude<KeyClass, 'management'>): string {
  const parsed = typeof key === 'string' ? parseKey(key) : null
  if (parsed?.class === keyClass) return `env_${parsed.publicId}`
  const wanted = `a ${keyClass} key (${keyClass === 'server' ? 'hyd_srv_' : 'hyd_cli_'}…)`
  const was =
    typeof key !== 'string' || key === ''
      ? `not ${show(key)}`
      : parsed
        ? `and this is a ${parsed.class} key`
        : 'and this is no key of Halyard, or was cut short'
  throw new TypeError(`${made}: "key" must be ${wanted}, ${was}`)
}

/** A logger that never throws; one that says nothing if none was given. */
export function checkLogger(made: string, logger: unknown): Logger {
  if (logger === undefined) return { debug: silent, warn: silent, error: silent }
  checkMethods(`${made}: "logger"`, logger, ['debug', 'warn', 'error'])
  const given = logger as Logger // checked
  const guarded = (level: keyof Logger) => (message: string) => {
    try {
      given[level](message)
    } catch {
      // Whoever cannot log cannot be told of it either.
    }
  }
  return { debug: guarded('debug'), warn: guarded('warn'), error: guarded('error') }
}

/** Refuses what lacks one of these methods. */
export function checkMethods(what: string, value: unknown, methods: readonly string[]): void {
  const members = value as Readonly<Record<string, unknown>> | null | undefined // whatever it is, it is only looked at
  const lacking = methods.find((method) => typeof members?.[method] !== 'function')
  if (lacking !== undefined)
    throw new TypeError(`${what} must have the methods ${methods.join(', ')}, and "${lacking}" is none`)
}

function silent(): void {}

function show(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value.slice(0, 100))
    : value === null
      ? 'null'
      : typeof value
}
