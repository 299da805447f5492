/**
 * What goes over a stream: a WebSocket of subprotocol `halyard.v1` that carries JSON text messages, each with a `kind`,
 * or Server-Sent Events of the same names and data. A reader ignores kinds it does not know.
 *
 * A reader of class server holds the snapshot: it is told of heads and deltas. One of class client holds answers: it is
 * told that they may have changed, by a version that moves only with what client keys may see, and nothing else.
 */
import type { Delta } from './delta.ts'

export const streamProtocol = 'halyard.v1'

/** A `head` comes this often; a reader that has seen no confirmation for twice as long says that it is stale. */
export const heartbeatSec = 15

/**
 * A reader answers each `head` with a `ping`, also those that come between heartbeats. One that was not heard for so long
 * is let go.
 */
export const silenceMaxSec = 60

/**
 * What may be under way to a reader since its last `ping`, in bytes, besides the longest single message. It holds for
 * readers that ping as they read: the text of a ping is fixed, so whoever pings without reading is not found out.
 */
export const outstandingBytesMax = 256 * 1024

/** The close code for a key that was revoked, has expired or is unknown to the hub: do not retry with it. */
export const keyRefusedCode = 4401

/** The close code after `goaway`: come back later (RFC 6455 registry, "try again later"). */
export const goawayCode = 1013

/** Class server: the first message on every stream. */
export interface HelloMessage {
  readonly kind: 'hello'
  readonly signedHead: string
  readonly heartbeatSec: number
}

/** Class client: the same; `version` is that at which its answers may last have changed. */
export interface ClientHelloMessage {
  readonly kind: 'hello'
  readonly version: string
  readonly heartbeatSec: number
}

/** Class server: the whole snapshot, on connect unless `since` can be gone on from, or where deltas would be longer. */
export interface SnapshotMessage {
  readonly kind: 'snapshot'
  readonly signedHead: string
  readonly body: string
}

/** Class server: what leads from the body of hash `base` to the one that the head names. */
export interface DeltaMessage extends Delta {
  readonly kind: 'delta'
}

/** Class client: what it may see has changed; `version` is the token of that change. It evaluates anew. */
export interface ChangedMessage {
  readonly kind: 'changed'
  readonly version: string
}

/** Class server: every 15 s, and after much was sent. This was head at `confirmedAt` (epoch milliseconds, the hub's clock). */
export interface HeadMessage {
  readonly kind: 'head'
  readonly signedHead: string
  readonly confirmedAt: number
}

/** Class client: the same, by the version of the last `changed`. */
export interface ClientHeadMessage {
  readonly kind: 'head'
  readonly version: string
  readonly confirmedAt: number
}

/** Both: the stream ends; come back after so long, plus a wait of one's own. */
export interface GoawayMessage {
  readonly kind: 'goaway'
  readonly retryAfterMs: number
}

export interface PongMessage {
  readonly kind: 'pong'
}

export interface PingMessage {
  readonly kind: 'ping'
}

export type ServerClassMessage =
  | HelloMessage
  | SnapshotMessage
  | DeltaMessage
  | HeadMessage
  | GoawayMessage
  | PongMessage
export type ClientClassMessage =
  | ClientHelloMessage
  | ChangedMessage
  | ClientHeadMessage
  | GoawayMessage
  | PongMessage
export type ServerMessage = ServerClassMessage | ClientClassMessage
export type ClientMessage = PingMessage

/** The exact texts of ping and pong: the platform answers this one for an object that sleeps. */
export const pingText = '{"kind":"ping"}'
export const pongText = '{"kind":"pong"}'
