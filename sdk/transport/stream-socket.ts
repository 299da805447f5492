import { WebSocket } from 'ws'
import { streamProtocol } from '@halyard/shared/protocol/stream.ts'
import type { StreamConnection, StreamEnding, StreamHears } from '../sync/reader-ports.ts'
import { readRetryAfter } from './retry-after.ts'

const openTimeoutMs = 10_000
const messageBytesMax = 26 * 1024 * 1024

/**
 * Makes `openStream` of an edge (its origin) for a server key: a WebSocket by the package `ws`, because the one that
 * comes with Node cannot send the key in a header, and a server key never stands in a URL.
 */
export function makeStreamOpener(
  edge: string,
  key: string,
): (since: string | null, hears: StreamHears) => StreamConnection {
  return (since, hears) => {
    const url = new URL('/v1/stream', edge)
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
    if (since !== null) url.searchParams.set('since', since)
    const socket = new WebSocket(url, [streamProtocol], {
      headers: { authorization: `Bearer ${key}` },
      handshakeTimeout: openTimeoutMs,
      maxPayload: messageBytesMax,
    })
    let isOver = false
    const end = (ending: StreamEnding) => {
      if (!isOver) hears.ended(ending)
      isOver = true
    }
    socket.on('open', () => isOver || hears.opened())
    socket.on('message', (data) => isOver || hears.heard(String(data)))
    socket.on('close', (code, reason) => end({ code, reason: String(reason) || `closed with ${code}` }))
    socket.on('error', (error) => end({ reason: error.message || 'the edge cannot be reached' }))
    socket.on('unexpected-response', (request, { statusCode: status = 0, headers }) => {
      request.destroy()
      const retryAfterMs = readRetryAfter(headers['retry-after'], Date.now())
      end({
        status,
        reason: `the edge answered ${status}`,
        ...(retryAfterMs !== null && { retryAfterMs }),
      })
    })
    return {
      send: (text) => {
        if (socket.readyState === WebSocket.OPEN) socket.send(text)
      },
      close: () => {
        isOver = true
        leave(socket)
      },
    }
  }
}

const goodbyeMs = 500

/** Says goodbye, but does not wait long for an answer. */
function leave(socket: WebSocket): void {
  if (socket.readyState !== WebSocket.OPEN) return socket.terminate()
  socket.close(1000)
  const timer = setTimeout(() => socket.terminate(), goodbyeMs)
  socket.once('close', () => clearTimeout(timer))
}
