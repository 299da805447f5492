import type { ClientConfig } from 'pg'
import { fault } from './fault.ts'

/** The server that a connection string names, and whether it wants TLS, as node-postgres takes them. */
export interface DatabaseTarget {
  readonly host: string
  readonly port: number
  readonly ssl: false | { readonly rejectUnauthorized: boolean }
}

/** A URL of the form postgresql://user:password@host:port/database; `name` is the setting it came from. */
export function parseDatabaseUrl(connectionString: string, name: string): URL {
  const remedy = 'It has the form postgresql://user:password@host:5432/database'
  if (!URL.canParse(connectionString)) throw fault(`${name} is not a connection string`, remedy)
  const url = new URL(connectionString)
  if (!/^postgres(ql)?:$/.test(url.protocol) || !url.hostname || url.pathname.length < 2) {
    throw fault(`${name} names no Postgres database`, remedy)
  }
  return url
}

/** As libpq reads `sslmode`: `require` takes any certificate, only `verify-…` checks it. */
export function readTarget(url: URL): DatabaseTarget {
  const mode = url.searchParams.get('sslmode') ?? 'disable'
  const isTls = mode === 'require' || mode.startsWith('verify-')
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 5432),
    ssl: isTls && { rejectUnauthorized: mode !== 'require' },
  }
}

/** What node-postgres needs to connect as the URL says. */
export function readConnection(url: URL): ClientConfig {
  const options = url.searchParams.get('options')
  return {
    ...readTarget(url),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
    ...(options === null ? {} : { options }),
  }
}

/** Neon itself answers the driver's protocol: every other server needs our gateway in front. */
export function isNeon(url: URL): boolean {
  return url.hostname.endsWith('.neon.tech')
}

/** Says in one line why a database could not be reached; anything else is passed through. */
export function explainConnectError(error: unknown, url: URL, name: string): unknown {
  const { code } = error as { readonly code?: string } // whatever was thrown: no code, no explanation
  const place = `${url.hostname}:${url.port || 5432}`
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'ETIMEDOUT' || code === 'EHOSTUNREACH') {
    return fault(`No Postgres answers at ${place} (${code})`, `Start it, or correct ${name}`)
  }
  if (code === '28P01' || code === '28000') {
    return fault(
      `Postgres at ${place} does not let ${url.username} in`,
      `Correct user or password in ${name}`,
    )
  }
  if (code === '3D000')
    return fault(`There is no database ${url.pathname.slice(1)} at ${place}`, `Create it, or correct ${name}`)
  return error
}
