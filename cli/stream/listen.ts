import { WebSocket } from 'ws'
import { heartbeatSec, keyRefusedCode, pingText, streamProtocol } from '@halyard/shared/protocol/stream.ts'
import { readRetryAfter } from '@halyard/sdk/transport/retry-after.ts'
import { readMessage, type Heard } from './messages.ts'

/** How a connection ended: whether another may be tried, and when at the earliest. */
export type Ending =
  | {
      readonly kind: 'lost'
      readonly reason: string
      readonly retryAfterMs: number
      readonly livedMs: number
    }
  | { readonly kind: 'refused'; readonly reason: string }

export interface Connection {
  readonly url: string
  readonly key: string
  readonly signal: AbortSignal
  /** False ends the connection: what came does not fit what went before. */
  readonly hear: (heard: Exclude<Heard, { kind: 'goaway' }>) => boolean
}

const openTimeoutMs = 15_000
const silenceMaxMs = 2 * heartbeatSec * 1000
const messageSizeMax = 16 * 1024 * 1024
const textMax = 4_000

/** Opens one connection to a stream and hears it out. Never throws; ends when the signal is given. */
export async function listen(connection: Connection): Promise<Ending> {
  const socket = new WebSocket(connection.url, [streamProtocol], {
    headers: { authorization: `Bearer ${connection.key}` },
    handshakeTimeout: openTimeoutMs,
    maxPayload: messageSizeMax,
  })
  const ending = await new Promise<Ending>((end) => hearOut(socket, connection, end))
  await close(socket)
  return ending
}

function hearOut(socket: WebSocket, { signal, hear }: Connection, end: (ending: Ending) => void): void {
  let openedMs: number | null = null
  const lose = (reason: string, retryAfterMs = 0) => {
    clearTimeout(silence)
    const livedMs = openedMs === null ? 0 : Date.now() - openedMs
    end({ kind: 'lost', reason, retryAfterMs, livedMs })
  }
  const refuse = (reason: string) => {
    clearTimeout(silence)
    end({ kind: 'refused', reason })
  }
  const silence = setTimeout(() => lose('silent for too long'), silenceMaxMs)
  socket.on('unexpected-response', (_request, response) => {
    const { statusCode = 0, headers } = response
    void readText(response).then((text) => {
      const reason = `the edge answered ${statusCode}${text}`
      if (statusCode < 500 && statusCode !== 429 && statusCode !== 408) return refuse(reason)
      return lose(reason, readRetryAfter(headers['retry-after'], Date.now()) ?? 0)
    })
  })
  socket.on('open', () => (openedMs = Date.now()))
  socket.on('message', (data) => {
    silence.refresh()
    const heard = readMessage(String(data))
    if (heard.kind === 'goaway') return lose('the server asked to go away', heard.retryAfterMs)
    if (heard.kind === 'head') socket.send(pingText)
    if (!hear(heard)) lose('a change does not fit what is held: asking for the whole')
  })
  socket.on('close', (code, reason) => {
    if (code === keyRefusedCode) refuse(String(reason))
    else lose(`closed (${code})`)
  })
  socket.on('error', (error) => lose(error.message || 'cannot be reached'))
  signal.addEventListener('abort', () => lose('stopped'), { once: true })
}

/** Says goodbye, but does not wait long for an answer. */
async function close(socket: WebSocket): Promise<void> {
  if (socket.readyState === WebSocket.CLOSED) return
  const closed = new Promise((resolve) => socket.once('close', resolve)) // unlike `once`, whatever the error
  if (socket.readyState === WebSocket.OPEN) socket.close(1000)
  else socket.terminate()
  const timer = setTimeout(() => socket.terminate(), 500)
  await closed
  clearTimeout(timer)
}

/** The reason in an answer that is no stream, if it names one as the edge does. */
async function readText(response: AsyncIterable<Buffer>): Promise<string> {
  let text = ''
  try {
    for await (const chunk of response) {
      text += String(chunk)
      if (text.length > textMax) break
    }
    const { errorCode, errorDetails } = JSON.parse(text) as Record<string, unknown> // each is made a text below
    return `: ${String(errorCode)}, ${String(errorDetails)}`
  } catch {
    return '' // its status says enough
  }
}
