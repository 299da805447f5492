/** What changed between two snapshots, by their lines; nothing is evaluated. */
import type { FlagConfig } from '@halyard/shared/engine/model.ts'
import { describeState } from '../describe-flag.ts'

/** The text of each flag's configuration, by key. */
export type FlagTexts = ReadonlyMap<string, string>

export interface FlagChange {
  readonly key: string
  readonly change: 'added' | 'changed' | 'removed'
  /** Null for what is gone, or cannot be read. */
  readonly enabled: boolean | null
  readonly serves: string | null
}

export function readFlagTexts(body: string): FlagTexts {
  const texts = new Map<string, string>()
  for (const line of body.split('\n')) {
    const [kind, key, ...json] = line.split('\t')
    if (kind === 'flag' && key !== undefined) texts.set(key, json.join('\t'))
  }
  return texts
}

export function changesBetween(before: FlagTexts, after: FlagTexts): FlagChange[] {
  const changes: FlagChange[] = []
  for (const [key, text] of after) {
    const old = before.get(key)
    if (old !== text)
      changes.push({ key, change: old === undefined ? 'added' : 'changed', ...readState(text) })
  }
  for (const key of before.keys()) {
    if (!after.has(key)) changes.push({ key, change: 'removed', enabled: null, serves: null })
  }
  return changes
}

function readState(text: string): Pick<FlagChange, 'enabled' | 'serves'> {
  try {
    const config = JSON.parse(text) as FlagConfig // a line of a newer format throws below
    return { enabled: config.enabled, serves: describeState(config) }
  } catch {
    return { enabled: null, serves: null }
  }
}
