/** Names of the project for completion: asked for once in a while, and never waited for long. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Settings } from '../settings.ts'
import type { Kind } from './candidates.ts'

interface Page {
  readonly items?: readonly { readonly key?: unknown }[]
  readonly nextCursor?: unknown
}

const timeoutMs = 300
const keepMs = 60_000

/** Those that may begin with a text, as far as they can be had in time. */
export async function readNames(
  { kind, text }: { readonly kind: Kind; readonly text: string },
  settings: Settings,
  variables: Readonly<Record<string, string | undefined>>,
): Promise<readonly string[]> {
  const names: string[] = []
  try {
    const url = new URL(
      `${settings.need('api')}/api/v1/orgs/${settings.need('org')}/projects/${settings.need('project')}/${kind}?limit=200`,
    )
    // The API finds it anywhere in a key, name or description.
    if (text !== '' && kind !== 'environments') url.searchParams.set('text', text)
    const token = settings.need('token')
    const cache = cachePath(`${url} ${token}`, variables)
    const held = cache && readCache(cache)
    if (held) return held
    for await (const page of askPages(url, token)) names.push(...keysOf(page))
    if (cache) writeCache(cache, names)
  } catch {
    // A completion that fails says nothing.
  }
  return names
}

/** One after another until the time is over. */
async function* askPages(url: URL, token: string): AsyncGenerator<Page> {
  const signal = AbortSignal.timeout(timeoutMs)
  const headers = { authorization: `Bearer ${token}` }
  for (;;) {
    // Each page names the next.
    // oxlint-disable-next-line no-await-in-loop
    const response = await fetch(url, { headers, redirect: 'error', signal })
    const page = (await response.json()) as Page // oxlint-disable-line no-await-in-loop -- anything else throws, or has no texts
    yield page
    if (typeof page.nextCursor !== 'string') return
    url.searchParams.set('cursor', page.nextCursor)
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
function keysOf({ items = [] }: Page): string[] {
  return items.flatMap(({ key }) => (typeof key === 'string' && /^[\w.-]+$/.test(key) ? [key] : []))
}
