/** What all sockets of a relay are told: each text is made once for its class, and the slow do not hold up the others. */
import {
  goawayCode,
  keyRefusedCode,
  outstandingBytesMax,
  type ClientClassMessage,
  type GoawayMessage,
  type ServerClassMessage,
} from '@halyard/shared/protocol/stream.ts'
import { spreadSec } from './admission.ts'
import { greetingBytesPerSec, type Relay, type RelaySocket } from './relay-state.ts'
import { dropListener, readListeners, type Listener, type Replica } from './replica.ts'
import { bytesSinceHead, isSilent, noteSent, outstandingBytes, readSent, trimSent } from './sent-log.ts'

interface MessagesByClass {
  readonly server: ServerClassMessage
  readonly client: ClientClassMessage
}

type KeyClass = keyof MessagesByClass

/** After so much a head goes along: whoever reads answers it, and is known to have read so far. */
const headAfterBytes = 64 * 1024

/** What is sent to all sockets together waits in memory: who finds no room in it comes back, and is greeted in turn. */
const bytesAtOnceMax = 32 * 1024 * 1024
const comeBackMinSec = 5

/** Tells a class; what is told together is sent together. */
export function tell<Class extends KeyClass>(
  relay: Relay,
  keyClass: Class,
  messages: readonly MessagesByClass[Class][],
): void {
  const { sql } = relay.ports
  if ((readSent(sql, keyClass).bytesFrom[0] ?? 0) > outstandingBytesMax) dropSlow(relay, keyClass)
  send(relay, keyClass, messages)
  if (bytesSinceHead(readSent(sql, keyClass)) > headAfterBytes) sendHead(relay, keyClass)
}

/** The heartbeat: to all who are still there and may listen, what is head and when that was confirmed. */
export function tellHeads(relay: Relay): void {
  closeRefused(relay)
  trimSent(relay.ports.sql, relay.ports.now())
  for (const keyClass of ['server', 'client'] as const) {
    dropSlow(relay, keyClass)
    sendHead(relay, keyClass)
  }
}

/** Closes the sockets whose key may no longer listen. */
export function closeRefused({ replica, ports }: Relay): void {
  if (!replica) return
  for (const listener of readListeners(ports.sql)) {
    if (mayListen(replica, listener, ports.now())) continue
    for (const socket of ports.sockets.ofKey(listener))
      close(socket, keyRefusedCode, 'the key was revoked or has expired')
    dropListener(ports.sql, listener)
  }
}

/** Whether the access record lets this key listen at that moment. */
export function mayListen({ keys }: Replica, listener: Listener, now: number): boolean {
  const key = keys.get(listener.keyId)
  return key !== undefined && key.class === listener.class && (key.expiresAt ?? Infinity) > now
}

function sendHead(relay: Relay, keyClass: KeyClass): void {
  const { replica, times } = relay
  if (!replica) return
  const { confirmedAt } = times
  const { signedHead, clientAt: version } = replica
  if (keyClass === 'server') send(relay, 'server', [{ kind: 'head', signedHead, confirmedAt }])
  else send(relay, 'client', [{ kind: 'head', version, confirmedAt }])
}

function send<Class extends KeyClass>(
  relay: Relay,
  keyClass: Class,
  messages: readonly MessagesByClass[Class][],
): void {
  const { ports } = relay
  const sockets = ports.sockets.ofClass(keyClass)
  if (sockets.length === 0) return
  const at = ports.now()
  const sent = messages.map((message) => {
    const text = JSON.stringify(message)
    return { text, entry: { at, kind: message.kind, bytes: new TextEncoder().encode(text).length } }
  })
  const bytes = sent.reduce((sum, { entry }) => sum + entry.bytes, 0)
  const served = Math.max(1, Math.floor(bytesAtOnceMax / bytes))
  const texts = sent.map(({ text }) => text)
  for (const socket of sockets.slice(0, served)) trySend(socket, texts)
  sendAway(relay, sockets.slice(served), bytes)
  for (const { entry } of sent) noteSent(ports.sql, keyClass, entry)
}

/** Over as long as greeting them all with so many bytes each will take. */
function sendAway({ ports }: Relay, sockets: readonly RelaySocket[], bytes: number): void {
  const spreadSeconds = Math.max(comeBackMinSec, (sockets.length * bytes) / greetingBytesPerSec)
  for (const socket of sockets)
    letGo(socket, Math.ceil(1000 * (1 + ports.random() * spreadSeconds)), 'it is told when it comes back')
}

/** Lets those go that do not read what they are sent, before there is more of it. */
function dropSlow(relay: Relay, keyClass: KeyClass): void {
  const { ports } = relay
  const log = readSent(ports.sql, keyClass)
  const now = ports.now()
  if (log.entries.length === 0) return
  for (const socket of ports.sockets.ofClass(keyClass)) {
    const heardAt = ports.sockets.heardAt(socket)
    if (outstandingBytes(log, heardAt) <= outstandingBytesMax && !isSilent(log, heardAt, now)) continue
    const retryAfterSec = spreadSec(relay.admission[keyClass].opens, ports.random())
    letGo(socket, 1000 * retryAfterSec, 'it does not read what it is sent')
  }
}

function letGo(socket: RelaySocket, retryAfterMs: number, why: string): void {
  trySend(socket, [JSON.stringify({ kind: 'goaway', retryAfterMs } satisfies GoawayMessage)])
  close(socket, goawayCode, why)
}

function trySend(socket: RelaySocket, texts: readonly string[]): void {
  try {
    for (const text of texts) socket.send(text)
  } catch {
    // It went away a moment ago: it reconnects and is told then. The others must still hear.
  }
}

function close(socket: RelaySocket, code: number, reason: string): void {
  try {
    socket.close(code, reason)
  } catch {
    // It went by itself.
  }
}
