/** The first path: one connection to a stream after the other, as long as the reader is open. */
import { goawayCode, heartbeatSec, keyRefusedCode, pingText } from '@halyard/shared/protocol/stream.ts'
import type { HeadMessage, ServerClassMessage } from '@halyard/shared/protocol/stream.ts'
import { makeBackOff, type BackOff } from './back-off.ts'
import { hearHeartbeat, type Heartbeats } from './freshness.ts'
import { hurry, want, type Poller } from './poller.ts'
import { readMessage } from './read-message.ts'
import type { StreamConnection, StreamEnding } from './reader-ports.ts'
import { refusesKey, type ReaderState } from './reader-state.ts'
import { isHeld, readHead, takeDelta, takeSnapshot, type Taken } from './replica.ts'

export interface Stream {
  readonly reader: ReaderState
  readonly poller: Poller
  readonly backOff: BackOff
  connection: Connection | null
  cancelTimer: (() => void) | null
}

interface Connection {
  readonly heartbeats: Heartbeats
  socket: StreamConnection | null
  openedAt: number | null
  isOver: boolean
  /** What was heard is dealt with one after the other: this is when all of it was. */
  done: Promise<void>
  waitingLength: number
  cancelSilence: () => void
}

const retryMs = { first: 1_000, last: 30_000 }
/** A connection that lived so long was a good one. */
const healthyMs = 60_000
/** Nothing was heard for two heartbeats and a little: the connection is dead, whatever TCP says. */
const silenceMaxMs = 2 * heartbeatSec * 1_000 + 5_000
/** What may wait to be dealt with, in UTF-16 units: more than the largest snapshot and what follows it. */
const waitingLengthMax = 16 * 1024 * 1024

export function startStream(reader: ReaderState, poller: Poller): Stream {
  const backOff = makeBackOff(retryMs.first, retryMs.last, reader.ports.random)
  const stream: Stream = { reader, poller, backOff, connection: null, cancelTimer: null }
  connect(stream)
  return stream
}

export function stopStream(stream: Stream): void {
  stream.cancelTimer?.()
  if (stream.connection) leave(stream, stream.connection)
}

function connect(stream: Stream): void {
  const { reader } = stream
  const connection: Connection = {
    heartbeats: { hubAt: null },
    socket: null,
    openedAt: null,
    isOver: false,
    done: Promise.resolve(),
    waitingLength: 0,
    cancelSilence: () => undefined,
  }
  stream.connection = connection
  watch(stream, connection)
  connection.socket = reader.ports.openStream(reader.replica.copy?.token ?? null, {
    opened: () => {
      connection.openedAt = reader.ports.steadyNow()
      reader.isConnected = true
      reader.accept()
      watch(stream, connection)
      reader.touch()
    },
    heard: (text) => hear(stream, connection, text),
    ended: (ending) => end(stream, connection, ending),
  })
}

/** Counts the silence from now on. */
function watch(stream: Stream, connection: Connection): void {
  connection.cancelSilence()
  connection.cancelSilence = stream.reader.ports.setTimer(silenceMaxMs, () =>
    end(stream, connection, { reason: 'nothing was heard for two heartbeats' }),
  )
}

function hear(stream: Stream, connection: Connection, text: string): void {
  if (connection.isOver) return
  watch(stream, connection)
  connection.waitingLength += text.length
  if (connection.waitingLength > waitingLengthMax)
    return end(stream, connection, { reason: 'more was sent than can be dealt with' })
  connection.done = heed(stream, connection, text)
}

/** Deals with one message when those before it are dealt with. Never rejects. */
async function heed(stream: Stream, connection: Connection, text: string): Promise<void> {
  await connection.done
  connection.waitingLength -= text.length
  if (connection.isOver) return
  const message = readMessage(text)
  if (message === null) return end(stream, connection, { reason: 'what was sent is no message of a stream' })
  if (message === 'unknown') return
  try {
    await follow(stream, connection, message)
    stream.reader.touch()
  } catch (cause) {
    // The machine could not hash or verify: another connection begins anew.
    end(stream, connection, { reason: String(cause) })
  }
}

async function follow(stream: Stream, connection: Connection, message: ServerClassMessage): Promise<void> {
  const { replica, ports } = stream.reader
  switch (message.kind) {
    case 'hello':
      // What leads to its head follows by itself, or the next heartbeat finds it missing.
      if (message.signedHead === replica.copy?.signedHead) stream.reader.freshness.isSeen = true
      return
    case 'pong':
      return
    case 'snapshot':
      return await settle(
        stream,
        message,
        await takeSnapshot(replica, { ...message, origin: 'stream' }, ports),
      )
    case 'delta':
      return await settle(stream, message, await takeDelta(replica, { ...message, origin: 'stream' }, ports))
    case 'head':
      await compare(stream, connection, message)
      if (!connection.isOver) connection.socket?.send(pingText)
      return
    case 'goaway':
      return end(stream, connection, {
        reason: 'the server asked to come back later',
        code: goawayCode,
        retryAfterMs: message.retryAfterMs,
      })
  }
  message satisfies never
}

async function settle(
  { reader, poller }: Stream,
  { signedHead }: { readonly signedHead: string },
  taken: Taken,
): Promise<void> {
  const head = taken === 'unfit' ? await readHead(reader.replica, signedHead, reader.ports) : null
  if (head) want(poller, head, 'whole')
}

/** The heartbeat: it confirms what is held, or shows that something was missed. */
async function compare(
  { reader, poller }: Stream,
  { heartbeats }: Connection,
  { signedHead, confirmedAt }: HeadMessage,
): Promise<void> {
  const { replica, freshness, ports } = reader
  const head = await readHead(replica, signedHead, ports)
  if (!head) return
  if (!isHeld(replica, head)) want(poller, head, 'any')
  else if (signedHead === replica.copy?.signedHead)
    hearHeartbeat(freshness, heartbeats, { hubAt: confirmedAt, now: ports.steadyNow() })
}

function end(stream: Stream, connection: Connection, ending: StreamEnding): void {
  if (connection.isOver) return
  const { reader, poller, backOff } = stream
  leave(stream, connection)
  if (ending.code === keyRefusedCode || refusesKey(ending.status)) return reader.refuse(ending.reason)
  if (reader.phase !== 'open') return
  const { steadyNow, setTimer } = reader.ports
  reader.error = ending.reason
  if (connection.openedAt !== null && steadyNow() - connection.openedAt >= healthyMs) backOff.reset()
  stream.cancelTimer = setTimer(backOff.next(ending.retryAfterMs), () => connect(stream))
  hurry(poller)
  reader.touch()
}

function leave({ reader }: Stream, connection: Connection): void {
  connection.isOver = true
  connection.cancelSilence()
  connection.socket?.close()
  reader.isConnected = false
}
