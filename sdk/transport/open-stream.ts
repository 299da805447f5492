import type { ReaderPorts } from '../sync/reader-ports.ts'
import { makeEventStream } from './stream-events.ts'
import { makeSocket } from './stream-socket.ts'

/**
 * Makes `openStream` of an edge (its origin) for a server key: by the platform's own WebSocket where it takes a header
 * (a server key never stands in a URL), else by Server-Sent Events. Which one is found out at the first stream; after a
 * WebSocket whose end the other side did not answer it is Server-Sent Events, since only those can be let go of at once.
 */
export function makeStreamOpener(edge: string, key: string): ReaderPorts['openStream'] {
  let hasSocket: boolean | null = null
  return (since, hears) => {
    // Not before it is needed: in Node the mere mention of it loads a quarter of a megabyte of code.
    hasSocket ??= typeof WebSocket === 'function'
    const url = new URL('/v1/stream', edge)
    if (since !== null) url.searchParams.set('since', since)
    const unanswered = () => (hasSocket = false)
    const connection = hasSocket ? makeSocket({ url, key, unanswered }, hears) : null
    if (connection) return connection
    hasSocket = false
    return makeEventStream({ url, key }, hears)
  }
}
