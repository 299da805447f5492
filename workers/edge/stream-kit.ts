/** For tests of streams: what comes over a socket, and what comes as events. */
import type { ServerMessage } from '@halyard/shared/protocol/stream.ts'

export const patience = { timeout: 5_000, interval: 10 }
export const upgrade = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': 'halyard.v1' }
export const asEvents = { Accept: 'text/event-stream' }

export interface SseEvent {
  readonly event?: string
  readonly id?: string
  readonly data?: string
  readonly retry?: string
}

/** The messages of a socket so far. */
export function listen(socket: WebSocket | null): ServerMessage[] {
  const messages: ServerMessage[] = []
  socket?.addEventListener('message', ({ data }) => messages.push(JSON.parse(String(data))))
  socket?.accept()
  return messages
}

/** The events of an answer so far, without hints and comments; `hints` are the waits that were asked for. */
export function hearEvents({ body }: Response) {
  const events: SseEvent[] = []
  const hints: number[] = []
  const state = { isOver: false }
  const reader = (body ?? new ReadableStream<Uint8Array>()).getReader()
  const decoder = new TextDecoder()
  let text = ''
  const pump = async () => {
    for (;;) {
      const { value, done } = await reader.read() // oxlint-disable-line no-await-in-loop -- one chunk after another
      if (done) break
      text += decoder.decode(value, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const fields of blocks.map(fieldsOf)) {
        if (fields.retry !== undefined) hints.push(Number(fields.retry))
        if (fields.data !== undefined) events.push(fields)
      }
    }
    state.isOver = true
  }
  void pump()
  return { events, hints, state, stop: () => reader.cancel() }
}

function fieldsOf(block: string): SseEvent {
  const lines = block.split('\n').filter((line) => !line.startsWith(':'))
  return Object.fromEntries(lines.map((line) => line.split(/: (.*)/s).slice(0, 2)))
}
