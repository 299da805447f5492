import { createHash } from 'node:crypto'
import { applyChanges } from '@halyard/shared/protocol/delta.ts'
import type { Head, HeadVerifier } from '@halyard/shared/protocol/head.ts'
import {
  compareVersions,
  formatVersion,
  parseVersion,
  type Version,
} from '@halyard/shared/protocol/version.ts'

/** What a subscriber holds, and what it was told that cannot be. */
export interface StreamReader {
  /** Takes messages in their order; 'resync' asks for a new connection that is given the whole. */
  readonly take: (text: string) => Promise<'taken' | 'resync'>
  readonly at: () => Version | null
  readonly hash: () => string | null
  /** Contents that are not what their head says. */
  readonly torn: readonly string[]
  /** How often an older version than the one held was offered; it is never applied. */
  readonly olderOffered: () => number
  /** When the hub last confirmed the head, by its own clock. */
  readonly confirmedAt: () => number
}

interface Held {
  readonly at: Version
  readonly hash: string | null
  readonly body: string
}

type Message = Readonly<Record<string, unknown>> & { readonly kind: string }

/** Checks everything that it is sent, as an SDK does. Class client is told versions only. */
export function makeStreamReader(verify: HeadVerifier): StreamReader {
  let held: Held | null = null
  let olderOffered = 0
  let confirmedAt = 0
  const torn: string[] = []
  const isNewer = (at: Version) => {
    const order = held ? compareVersions(at, held.at) : 1
    if (order < 0) olderOffered += 1
    return order > 0
  }
  const swap = (head: Head, body: string): void => {
    const hash = createHash('sha256').update(body).digest('hex')
    if (hash !== head.snapshotHash) torn.push(`${formatVersion(head)}: the content is not that of its head`)
    else if (held && compareVersions(head, held.at) === 0 && held.hash !== hash)
      torn.push(`${formatVersion(head)}: two contents`)
    else if (isNewer(head)) held = { at: head, hash, body }
  }
  const take = async (text: string): Promise<'taken' | 'resync'> => {
    const message = JSON.parse(text) as Message // of our own server; a fuzzed one is not given to this reader
    if (typeof message['confirmedAt'] === 'number') confirmedAt = message['confirmedAt']
    const told = typeof message['version'] === 'string' ? parseVersion(message['version']) : null
    if (told) {
      if (isNewer(told)) held = { at: told, hash: null, body: '' }
      return 'taken'
    }
    if (typeof message['signedHead'] !== 'string') return 'taken'
    const head = await verify(message['signedHead'])
    if (!head) {
      torn.push(`a ${message.kind} whose head is not signed by a trusted key`)
      return 'taken'
    }
    if (message.kind === 'snapshot') swap(head, String(message['body']))
    if (message.kind === 'delta') {
      if (!held || held.hash !== message['base']) return 'resync'
      const body = applyChanges(held.body, message as never) // the form of a delta, and the hash below decides
      if (body === null) return 'resync'
      swap(head, body)
    }
    const lacks = message.kind === 'head' && (!held || compareVersions(head, held.at) > 0)
    return lacks ? 'resync' : 'taken'
  }
  return {
    take,
    at: () => held?.at ?? null,
    hash: () => held?.hash ?? null,
    torn,
    olderOffered: () => olderOffered,
    confirmedAt: () => confirmedAt,
  }
}
