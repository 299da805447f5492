import { streamProtocol } from '@halyard/shared/protocol/stream.ts'
import type { StreamConnection, StreamEnding, StreamHears } from '../sync/reader-ports.ts'
import { platform } from './platform.ts'
import { openTimeoutMs, type StreamRequest } from './stream-request.ts'

export interface SocketRequest extends StreamRequest {
  /** The socket was closed, and the other side does not say that it heard of it: it stays for who knows how long. */
  readonly unanswered: () => void
}

/** As Node (22 and later), Bun and Deno have it. */
type SocketClass = new (url: URL, options: SocketOptions) => WebSocket
interface SocketOptions {
  readonly protocols: readonly string[]
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Opens a stream by the platform's WebSocket; null if it takes no headers. A refusal has no status here: a WebSocket
 * does not tell it.
 */
export function makeSocket(
  { url, key, unanswered }: SocketRequest,
  hears: StreamHears,
): StreamConnection | null {
  const socket = construct(url, key)
  if (socket === null) return null
  let isOver = false
  const end = (ending: StreamEnding) => {
    clearTimeout(timer)
    if (!isOver) hears.ended(ending)
    isOver = true
  }
  const timer = setTimeout(() => {
    end({ reason: 'the edge did not answer in time' })
    leave(socket)
  }, openTimeoutMs)
  socket.addEventListener('open', () => {
    clearTimeout(timer)
    if (!isOver) hears.opened()
  })
  socket.addEventListener('message', ({ data }) => isOver || hears.heard(String(data)))
  socket.addEventListener('close', ({ code, reason }) =>
    end({ code, reason: reason || `the stream was closed with ${code}` }),
  )
  // What follows an error is a close. The event must be heard all the same: to some platforms an unheard one is thrown.
  socket.addEventListener('error', () => {})
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text)
    },
    close: () => {
      isOver = true
      clearTimeout(timer)
      leave(socket)
      platform.setTimer(goodbyeMs, () => socket.readyState === socket.CLOSED || unanswered())
    },
  }
}

/** A close frame is answered within this, or never. */
const goodbyeMs = 3_000

/** A platform that knows no headers refuses an object in the place of protocols, or never looks at them. */
function construct(url: URL, key: string): WebSocket | null {
  const address = new URL(url)
  address.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  let isHeaderTaken = false
  try {
    const socket = new (WebSocket as unknown as SocketClass)(address, {
      protocols: [streamProtocol],
      get headers() {
        isHeaderTaken = true
        return { authorization: `Bearer ${key}` }
      },
    })
    if (isHeaderTaken) return socket
    socket.addEventListener('error', () => {})
    leave(socket)
    return null
  } catch {
    return null // Server-Sent Events will do
  }
}

/** One that is still opening says so by an error that is of no interest. */
function leave(socket: WebSocket): void {
  try {
    socket.close(1000)
  } catch {
    // It is over already.
  }
}
