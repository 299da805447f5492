/** `halyard.json`: where the flags of a folder live. It is committed, so it holds no secrets. */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { usageError } from './command-error.ts'

export const projectFileName = 'halyard.json'

export interface ProjectFile {
  readonly path: string
  readonly values: Readonly<Partial<Record<ProjectName, string>>>
}

const names = ['api', 'edge', 'org', 'project', 'env'] as const
type ProjectName = (typeof names)[number]

/** Looks from a folder upwards; null where there is none. Throws a usage error if it is not what it has to be. */
export function readProjectFile(folder: string): ProjectFile | null {
  for (let at = folder; ; at = dirname(at)) {
    const path = join(at, projectFileName)
    const text = readIfThere(path)
    if (text !== null) return { path, values: parse(path, text) }
    if (dirname(at) === at) return null
  }
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null // none, or none that this user may read
  }
}

function parse(path: string, text: string): ProjectFile['values'] {
  let whole: unknown
  try {
    whole = JSON.parse(text)
  } catch (error) {
    throw usageError(`${path} is not JSON`, error instanceof Error ? error.message : String(error))
  }
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole))
    throw usageError(`${path} is not a JSON object`, 'such as {"org": "acme", "project": "web"}')
  const values: Partial<Record<ProjectName, string>> = {}
  for (const [name, value] of Object.entries(whole)) {
    if (name === '$schema') continue
    if (isSecret(name, value))
      throw usageError(
        `${path}: "${name}" holds a secret, and this file is for everybody`,
        'tokens belong to `halyard login` or HALYARD_TOKEN, keys to HALYARD_KEY; revoke one that was committed',
      )
    const known = names.find((one) => one === name)
    if (!known) throw usageError(`${path}: there is no "${name}"`, `there is ${names.join(', ')}`)
    if (typeof value !== 'string' || value === '') throw usageError(`${path}: "${name}" is not a text`)
    values[known] = value
  }
  return values
}

function isSecret(name: string, value: unknown): boolean {
  return name === 'token' || name === 'key' || (typeof value === 'string' && value.startsWith('hyd_'))
}
