/** Names of the project for completion: asked for once in a while, and never waited for long. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Settings } from '../settings.ts'
import type { Kind } from './candidates.ts'

const timeoutMs = 300
const keepMs = 60_000

/** Empty if they cannot be had in time. */
export async function readNames(
  kind: Kind,
  settings: Settings,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  try {
    const url = `${settings.need('api')}/api/v1/orgs/${settings.need('org')}/projects/${settings.need('project')}/${kind}?limit=200`
    const token = settings.need('token')
    const cache = cachePath(`${url} ${token}`, variables)
    const held = cache && readCache(cache)
    if (held) return held
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
    const names = keysOf(await response.json())
    if (cache) writeCache(cache, names)
    return names
  } catch {
    return [] // a completion that fails says nothing
  }
}

function cachePath(what: string, variables: Readonly<Record<string, string | undefined>>): string | null {
  const base = variables['XDG_CACHE_HOME'] || (variables['HOME'] && join(variables['HOME'], '.cache'))
  const name = createHash('sha256').update(what).digest('hex').slice(0, 32)
  return base ? join(base, 'halyard', `names-${name}.json`) : null
}

function readCache(path: string): string[] | null {
  try {
    if (Date.now() - statSync(path).mtimeMs > keepMs) return null
    return keysOf({ items: JSON.parse(readFileSync(path, 'utf8')) })
  } catch {
    return null // there is none yet
  }
}

function writeCache(path: string, names: readonly string[]): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  writeFileSync(path, JSON.stringify(names.map((key) => ({ key }))), { mode: 0o600 })
}

/** Only what needs no quoting in any shell. */
function keysOf(page: unknown): string[] {
  const { items } = page as { items?: readonly { readonly key?: unknown }[] } // anything else throws, or has no texts
  return (items ?? []).flatMap(({ key }) => (typeof key === 'string' && /^[\w.-]+$/.test(key) ? [key] : []))
}
