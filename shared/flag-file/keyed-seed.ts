/** What a server draws at random and a file makes of keys, so that every reader of it has the same. */
import { xxh32 } from '../engine/xxh32.ts'

/** 64 bits as 16 hex digits. */
export function keyedSeed(kind: 'flag' | 'layer' | 'sample', ...names: readonly string[]): string {
  return digest([kind, ...names], 2)
}

/** The id of a rule, by its place. */
export function keyedRuleId(flag: string, index: number): string {
  return `rul_${digest(['rule', flag, String(index)], 4).slice(0, 26)}`
}

/** So many 32-bit words in hex digits. */
function digest(names: readonly string[], words: number): string {
  const text = names.join('\t') // a key holds no tab
  return Array.from({ length: words }, (_, word) => xxh32(text, word).toString(16).padStart(8, '0')).join('')
}
