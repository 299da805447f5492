/**
 * What goes over a stream: a WebSocket of subprotocol `halyard.v1` that carries JSON text messages, each with a
 * `kind`. A reader ignores kinds it does not know.
 */

export const streamProtocol = 'halyard.v1'

/** The hub sends a `head` this often; a reader that heard nothing for twice as long says that it is stale. */
export const heartbeatSec = 15

/** The close code for a key that was revoked, has expired or is unknown to the hub: do not retry with it. */
export const keyRefusedCode = 4401

/** The first message on every stream. */
export interface HelloMessage {
  readonly kind: 'hello'
  readonly signedHead: string
  readonly heartbeatSec: number
}

/** Class server: the whole snapshot, on connect unless `since` names the head, and after each publication. */
export interface SnapshotMessage {
  readonly kind: 'snapshot'
  readonly signedHead: string
  readonly body: string
}

/** Class client: what it may see has changed; `version` is the token of the head. It evaluates anew. */
export interface ChangedMessage {
  readonly kind: 'changed'
  readonly version: string
}

/** The heartbeat: this was head at `confirmedAt` (epoch milliseconds, the hub's clock). */
export interface HeadMessage {
  readonly kind: 'head'
  readonly signedHead: string
  readonly confirmedAt: number
}

export interface PongMessage {
  readonly kind: 'pong'
}

export interface PingMessage {
  readonly kind: 'ping'
}

export type ServerMessage = HelloMessage | SnapshotMessage | ChangedMessage | HeadMessage | PongMessage
export type ClientMessage = PingMessage

/** The exact texts of ping and pong: the platform answers this one for an object that sleeps. */
export const pingText = '{"kind":"ping"}'
export const pongText = '{"kind":"pong"}'
