/**
 * A WebSocket client that costs little, so that one process can hold thousands: no compression, no events, and a mask
 * of zeros, which the server cannot tell from another one.
 */
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

export interface SocketTarget {
  /** http://host:port/path?query */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly protocol: string
}

export interface SocketEvents {
  readonly onOpen?: () => void
  /** The payload of a text message. */
  readonly onText: (payload: Buffer) => void
  /** Once, whatever ended it. */
  readonly onEnd: (end: SocketEnd) => void
}

export type SocketEnd =
  /** The server answered something else than 101. */
  | { readonly kind: 'refused'; readonly status: number; readonly retryAfterSec: number | null }
  /** `code` is null if the connection broke. */
  | { readonly kind: 'closed'; readonly code: number | null }
  | { readonly kind: 'unreachable' }

export interface LeanSocket {
  readonly send: (text: string) => void
  /** Drops the connection. */
  readonly end: () => void
  /** Stops and starts reading, to be a slow reader. */
  readonly pause: () => void
  readonly resume: () => void
  readonly bytesRead: () => number
}

interface Parser {
  pending: Buffer
  isOpen: boolean
  parts: Buffer[]
}

interface Frame {
  readonly isLast: boolean
  readonly opcode: number
  readonly payload: Buffer
  readonly length: number
}

const opcodes = { text: 1, close: 8, ping: 9, pong: 10 }

export function openLeanSocket(target: SocketTarget, events: SocketEvents): LeanSocket {
  const { hostname, port } = new URL(target.url)
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  const parser: Parser = { pending: Buffer.alloc(0), isOpen: false, parts: [] }
  let hasEnded = false
  const end = (how: SocketEnd) => {
    if (hasEnded) return
    hasEnded = true
    socket.destroy()
    events.onEnd(how)
  }
  socket.on('connect', () => socket.write(requestOf(target)))
  socket.on('data', (data) => {
    parser.pending = parser.pending.length === 0 ? data : Buffer.concat([parser.pending, data])
    if (!parser.isOpen) readAnswer(parser, events, end)
    if (parser.isOpen && !hasEnded) readFrames(parser, socket, { ...events, onEnd: end })
  })
  socket.on('error', () => {}) // 'close' follows
  socket.on('close', () => end(parser.isOpen ? { kind: 'closed', code: null } : { kind: 'unreachable' }))
  return {
    send: (text) => void socket.write(frameOf(opcodes.text, Buffer.from(text))),
    end: () => {
      hasEnded = true
      socket.destroy()
    },
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    bytesRead: () => socket.bytesRead,
  }
}

function requestOf({ url, headers, protocol }: SocketTarget): string {
  const { host, pathname, search } = new URL(url)
  const lines = [
    `GET ${pathname}${search} HTTP/1.1`,
    `Host: ${host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    `Sec-WebSocket-Protocol: ${protocol}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

function readAnswer(parser: Parser, { onOpen }: SocketEvents, end: SocketEvents['onEnd']): void {
  const headEnd = parser.pending.indexOf('\r\n\r\n')
  if (headEnd < 0) return
  const head = parser.pending.toString('latin1', 0, headEnd)
  const status = Number(head.slice(9, 12))
  if (status !== 101) {
    const retryAfter = /^retry-after: *(\d+)/im.exec(head)?.[1]
    return end({
      kind: 'refused',
      status,
      retryAfterSec: retryAfter === undefined ? null : Number(retryAfter),
    })
  }
  parser.pending = parser.pending.subarray(headEnd + 4)
  parser.isOpen = true
  onOpen?.()
}

function readFrames(parser: Parser, socket: Socket, { onText, onEnd }: SocketEvents): void {
  for (;;) {
    const frame = frameAt(parser.pending)
    if (!frame) return
    const { opcode, payload, isLast } = frame
    parser.pending = parser.pending.subarray(frame.length)
    if (opcode === opcodes.close)
      return onEnd({ kind: 'closed', code: payload.length >= 2 ? payload.readUInt16BE(0) : null })
    if (opcode === opcodes.ping) socket.write(frameOf(opcodes.pong, payload))
    if (opcode > opcodes.text) continue
    parser.parts.push(payload)
    if (!isLast) continue
    const whole = parser.parts.length === 1 ? payload : Buffer.concat(parser.parts)
    parser.parts = []
    onText(whole)
  }
}

/** The first frame, if all of it is there: RFC 6455, section 5.2. A server does not mask. */
function frameAt(bytes: Buffer): Frame | null {
  if (bytes.length < 2) return null
  const [first = 0, second = 0] = bytes
  const short = second & 0x7f
  const headLength = short === 127 ? 10 : short === 126 ? 4 : 2
  if (bytes.length < headLength) return null
  const size =
    short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short
  const length = headLength + size
  if (bytes.length < length) return null
  return { isLast: first >= 0x80, opcode: first & 0x0f, payload: bytes.subarray(headLength, length), length }
}

function frameOf(opcode: number, payload: Buffer): Buffer {
  const isShort = payload.length < 126
  const head = Buffer.alloc((isShort ? 2 : 4) + 4)
  head[0] = 0x80 | opcode
  head[1] = 0x80 | (isShort ? payload.length : 126)
  if (!isShort) head.writeUInt16BE(payload.length, 2)
  return Buffer.concat([head, payload])
}
