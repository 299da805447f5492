import type { Posted } from '../events/event-sender.ts'
import type { ReaderPorts } from '../sync/reader-ports.ts'
import type { TrustedKeys } from '../sync/trust.ts'
import { makeBlobFetch, makeKeysFetch, type Send } from '../transport/edge-fetch.ts'
import { makeEventPost } from '../transport/event-post.ts'
import { makeStreamOpener } from '../transport/open-stream.ts'
import { platform } from '../transport/platform.ts'
import { makeRulesetFetch } from '../transport/ruleset-fetch.ts'

/** What a server client needs of the world. */
export interface ServerPorts extends Omit<ReaderPorts, 'verify' | 'hash' | 'report'> {
  readonly fetchKeys: () => Promise<TrustedKeys>
  readonly fetchBlob: (hash: string, bytesMax: number) => Promise<Uint8Array>
  readonly post: (body: string) => Promise<Posted>
}

/** The platform's clock and timers, and an edge (its origin) for a server key. `send` is the platform's `fetch`. */
export function makeServerPorts(edge: string, key: string, send: Send = fetch): ServerPorts {
  return {
    ...platform,
    openStream: makeStreamOpener(edge, key),
    fetchRuleset: makeRulesetFetch(edge, key, send),
    fetchKeys: makeKeysFetch(edge, send),
    fetchBlob: makeBlobFetch(edge, key, send),
    post: makeEventPost(edge, key, send),
  }
}
