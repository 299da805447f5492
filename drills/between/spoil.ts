import type { ReadAnswer } from '@halyard/shared/protocol/hub.ts'

/** What is to happen to what passes. */
export interface Order {
  readonly hub?: 'throws' | 'hangs'
  readonly kv?: 'throws' | 'hangs'
  /** How text is spoiled, and where. */
  readonly spoil?: Spoil
  readonly place?: 'hub' | 'kv' | 'stream'
  /** Where an answer that the drill has made stands in the place of the true one. */
  readonly planted?: 'hub' | 'kv'
}

export const spoils = ['bit flip', 'truncated', 'empty', 'page', 'deep', 'other content', 'swapped'] as const
export type Spoil = (typeof spoils)[number]

const page = '<!doctype html><title>Sign in to this network</title>'
const depth = 100_000

export function spoilText(spoil: Spoil, text: string): string {
  switch (spoil) {
    case 'bit flip':
      return flipBit(text)
    case 'truncated':
      return text.slice(0, Math.floor(Math.random() * text.length))
    case 'empty':
      return ''
    case 'page':
      return page
    case 'deep':
      return '['.repeat(depth)
    case 'other content':
      return text.replace(/"enabled":(true|false)/, (_, enabled) => `"enabled":${enabled !== 'true'}`)
    case 'swapped':
      return swapHalves(text)
  }
  return spoil satisfies never
}

/** Spoils the body, the head or the access record, whichever the dice choose; each alone must be found out. */
export function spoilAnswer(spoil: Spoil, answer: ReadAnswer): ReadAnswer {
  const { signedHead, confirmedAt, body = '', access = '' } = answer
  const parts = { signedHead, body, access }
  const names = ['body', 'access', 'signedHead'] as const
  // Only a body says whether a flag is on.
  const name =
    spoil === 'other content' ? 'body' : (names[Math.floor(Math.random() * names.length)] ?? 'body')
  return { ...parts, confirmedAt, [name]: spoilText(spoil, parts[name]) }
}

function flipBit(text: string): string {
  const bytes = new TextEncoder().encode(text)
  const at = Math.floor(Math.random() * bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(Math.random() * 7))
  return new TextDecoder().decode(bytes)
}

function swapHalves(text: string): string {
  const half = text.length >> 1
  return text.slice(half) + text.slice(0, half)
}
