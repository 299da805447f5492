/** What `halyard login` keeps: for each profile an API, the token for it, and the place it is mostly used on. */
import { chmodSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { usageError } from './command-error.ts'

export interface Profile {
  readonly api: string
  /** For the origin of `api` only. */
  readonly token: string
  readonly edge?: string
  readonly org?: string
  readonly project?: string
  readonly env?: string
}

export type Profiles = Readonly<Record<string, Profile>>

type Variables = Readonly<Record<string, string | undefined>>

export const defaultProfile = 'default'

/** Null without a home. */
export function profilesPath(variables: Variables): string | null {
  const home = variables['HOME'] || variables['USERPROFILE']
  const base = variables['XDG_CONFIG_HOME'] || (home && join(home, '.config'))
  return base ? join(base, 'halyard', 'config.json') : null
}

export function readProfiles(path: string | null): Profiles {
  if (path === null) return {}
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return {} // nobody has logged in
  }
  const profiles = parse(text)
  if (profiles) return profiles
  throw usageError(`${path} is not what \`halyard login\` writes`, 'mend or delete it, and log in again')
}

/** For its owner alone, and never half written. A usage error says why it cannot be. */
export function writeProfiles(path: string, profiles: Profiles): void {
  const draft = `${path}.${process.pid}`
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(draft, `${JSON.stringify({ profiles }, null, 2)}\n`, { mode: 0o600 })
    chmodSync(draft, 0o600)
    renameSync(draft, path)
  } catch (error) {
    throw usageError(`${path} cannot be written`, error instanceof Error ? error.message : String(error))
  }
}

/** Whether others than its owner may read it; Windows keeps that elsewhere. */
export function isOpenToOthers(path: string): boolean {
  try {
    return process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0
  } catch {
    return false // there is none
  }
}

function parse(text: string): Profiles | null {
  try {
    const { profiles } = JSON.parse(text) as { profiles?: unknown } // seen below
    return isProfiles(profiles) ? profiles : null
  } catch {
    return null
  }
}

function isProfiles(value: unknown): value is Profiles {
  return isObject(value) && Object.values(value).every(isProfile)
}

function isProfile(value: unknown): boolean {
  if (!isObject(value)) return false
  const isTexts = Object.values(value).every((text) => typeof text === 'string')
  return isTexts && 'api' in value && 'token' in value
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
