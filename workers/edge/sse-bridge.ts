/**
 * A WebSocket of a relay as a stream of Server-Sent Events. What its reader does not take is kept only up to a bound,
 * and the relay is answered only once it was taken, so that a reader that stopped reading is let go at either end.
 */
import {
  heartbeatSec,
  outstandingBytesMax,
  pingText,
  type ServerMessage,
} from '@halyard/shared/protocol/stream.ts'
import type { SseFormat } from './sse-format.ts'

interface Bridge {
  readonly socket: WebSocket
  readonly controller: ReadableStreamDefaultController<Uint8Array>
  readonly format: SseFormat
  /** Bytes of the greeting's snapshot that still wait: they are not held against the reader. */
  greetingBytes: number
  isGreeted: boolean
  isPingOwed: boolean
  isOver: boolean
  silence: ReturnType<typeof setTimeout> | undefined
}

/** A relay that says nothing for so long is gone. */
export const relaySilenceMaxMs = 3 * heartbeatSec * 1_000
/** How long a reader that was let go has to take what still waits for it. */
const farewellMs = 10_000
const encoder = new TextEncoder()

/** Accepts the socket. `retryMs` is when a reader comes back after a break, and `random` spreads them. */
export function bridgeToSse(
  socket: WebSocket,
  format: SseFormat,
  random: () => number = Math.random,
): ReadableStream<Uint8Array> {
  let bridge: Bridge
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        bridge = {
          socket,
          controller,
          format,
          greetingBytes: 0,
          isGreeted: false,
          isPingOwed: false,
          isOver: false,
          silence: undefined,
        }
        controller.enqueue(encoder.encode(`retry: ${retryMsOf(random)}\n\n`))
        attach(bridge, random)
      },
      // It is called when all that waited was taken.
      pull: () => {
        bridge.greetingBytes = 0
        if (bridge.isPingOwed) send(bridge, pingText)
        bridge.isPingOwed = false
      },
      cancel: () => finish(bridge),
    },
    { highWaterMark: 0, size: (chunk) => chunk.byteLength },
  )
}

/** A stream that ends at once: its reader comes back after so long. */
export function sseGoaway(
  format: SseFormat,
  retryAfterSec: number,
  random: () => number = Math.random,
): string {
  return format.goaway(retryAfterSec * 1_000 + Math.floor(random() * 1_000))
}

/** Between one and five seconds: readers that lost their stream in one moment do not come back in one. */
function retryMsOf(random: () => number): number {
  return 1_000 + Math.floor(random() * 4_000)
}

function attach(bridge: Bridge, random: () => number): void {
  const { socket } = bridge
  const listenOn = () => {
    if (bridge.silence !== undefined) clearTimeout(bridge.silence)
    bridge.silence = setTimeout(() => end(bridge), relaySilenceMaxMs)
  }
  socket.addEventListener('message', ({ data }) => {
    listenOn()
    if (typeof data === 'string') take(bridge, data, random)
  })
  socket.addEventListener('close', () => end(bridge))
  socket.addEventListener('error', () => end(bridge))
  listenOn()
  socket.accept()
}

function take(bridge: Bridge, text: string, random: () => number): void {
  const { controller, format } = bridge
  const message = JSON.parse(text) as ServerMessage // of a relay of ours
  if (bridge.isOver) return
  if (message.kind === 'goaway') return end(bridge, message.retryAfterMs + Math.floor(random() * 1_000))
  const bytes = encoder.encode(format.tell(message, text))
  if (message.kind === 'snapshot' && !bridge.isGreeted) {
    bridge.isGreeted = true
    bridge.greetingBytes = bytes.byteLength
  }
  if (bytes.byteLength > 0) controller.enqueue(bytes)
  if (message.kind === 'head') bridge.isPingOwed = true
  const waiting = -(controller.desiredSize ?? 0)
  if (waiting > outstandingBytesMax + bridge.greetingBytes) letGo(bridge, random)
}

/** The reader does not keep up. If it does not read on, what waits for it is dropped with its connection. */
function letGo(bridge: Bridge, random: () => number): void {
  end(bridge, retryMsOf(random))
  setTimeout(() => bridge.controller.error(new Error('the reader does not read')), farewellMs)
}

/** Ends the stream towards its reader, who is told when to come back if that was said. */
function end(bridge: Bridge, retryAfterMs?: number): void {
  if (bridge.isOver) return
  const { controller, format } = bridge
  if (retryAfterMs !== undefined) controller.enqueue(encoder.encode(format.goaway(retryAfterMs)))
  controller.close()
  finish(bridge)
}

function finish(bridge: Bridge): void {
  bridge.isOver = true
  if (bridge.silence !== undefined) clearTimeout(bridge.silence)
  try {
    bridge.socket.close(1000)
  } catch {
    // it is closed already
  }
}

function send({ socket }: Bridge, text: string): void {
  try {
    socket.send(text)
  } catch {
    // It closes: the stream ends with its close event.
  }
}
