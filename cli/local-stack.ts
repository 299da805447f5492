/** What `npm run dev` leaves in `.halyard`: with it the CLI needs no options beside a running stack. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface LocalStack {
  readonly api: string
  readonly edge: string
  readonly token: string
  readonly org: string
  readonly project: string
  readonly env: string
  readonly keyOf: (environment: string) => string | undefined
}

// The demo data always has these names.
const names = { org: 'demo', project: 'shop', env: 'development' }
const usualAddresses = { api: 'http://localhost:8787', edge: 'http://localhost:8788' }

/** Looks from a folder upwards; null where no stack was ever started. */
export function readLocalStack(folder: string): LocalStack | null {
  for (let at = folder; ; at = dirname(at)) {
    const seed = readSeed(join(at, '.halyard', 'seed.json'))
    if (seed !== null) return { ...names, ...readAddresses(join(at, '.halyard', 'control.env')), ...seed }
    if (dirname(at) === at) return null
  }
}

/** The owner's connection string of the stack's own Postgres; null where there is none. Looks upwards too. */
export function readLocalOwnerUrl(folder: string): string | null {
  for (let at = folder; ; at = dirname(at)) {
    const state = join(at, '.halyard')
    if (existsSync(join(state, 'secrets.json'))) return ownerUrlIn(state)
    if (dirname(at) === at) return null
  }
}

/** The application's, with the owner's name and password. */
function ownerUrlIn(state: string): string | null {
  const password = member(readJson(join(state, 'secrets.json')), 'ownerPassword')
  const address = readVariable(join(state, 'control.env'), 'DATABASE_URL')
  if (typeof password !== 'string' || address === undefined || !isLoopback(address)) return null
  if (!existsSync(join(state, 'postgres'))) return null // a server of the developer's own
  return Object.assign(new URL(address), { username: 'halyard_owner', password }).href
}

function readSeed(path: string): Pick<LocalStack, 'token' | 'keyOf'> | null {
  const seed = readJson(path)
  const token = member(seed, 'managementKey')
  if (typeof token !== 'string') return null
  const keyOf = (environment: string) => {
    const key = member(member(member(seed, 'environments'), environment), 'serverKey')
    return typeof key === 'string' ? key : undefined
  }
  return { token, keyOf }
}

/**
 * The ports of the last start. A file further up may be anybody's, and the token that is sent may come from
 * elsewhere: only this machine is taken from it.
 */
function readAddresses(path: string): Pick<LocalStack, 'api' | 'edge'> {
  const address = (name: string) => {
    const value = readVariable(path, name)
    return value !== undefined && isLoopback(value) ? value : undefined
  }
  return {
    api: address('CONSOLE_URL') ?? usualAddresses.api,
    edge: address('EDGE_URL') ?? usualAddresses.edge,
  }
}

/** null: none, or not one of ours. What it would have given must be given otherwise. */
function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}

/** A variable of the last start; undefined if it never came that far. */
function readVariable(path: string, name: string): string | undefined {
  try {
    return new RegExp(`^${name}='([^']*)'$`, 'm').exec(readFileSync(path, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

/** Whether an address is one of this machine. */
export function isLoopback(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { hostname } = new URL(text)
  return ['localhost', '127.0.0.1', '[::1]'].includes(hostname) || hostname.endsWith('.localhost')
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Record<string, unknown>)[name] // an object that has it
}
