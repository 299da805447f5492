/** Who holds a socket, and what each of them is told. */
import type { AccessKey, AccessRecord } from '@halyard/shared/protocol/access.ts'
import { keyRefusedCode, type ServerMessage } from '@halyard/shared/protocol/stream.ts'

/** Rides on the socket, so that it outlives the object's sleep. */
export interface SocketIdentity {
  readonly class: AccessKey['class']
  readonly keyId: string
}

/** The messages of one occasion: each text is made once, and only if somebody is to get it. */
export type MessagesByClass = { readonly [Class in AccessKey['class']]?: () => ServerMessage }

/** Whether the record still lets this key listen at that moment (epoch milliseconds). */
export function mayListen(access: AccessRecord, identity: SocketIdentity, now: number): boolean {
  const key = access.keys.find(({ id }) => id === identity.keyId)
  return key !== undefined && key.class === identity.class && (key.expiresAt ?? Infinity) > now
}

/** Closes the sockets whose key may no longer listen, and gives the others. */
export function closeRefused(sockets: readonly WebSocket[], access: AccessRecord, now: number): WebSocket[] {
  return sockets.filter((socket) => {
    const isLive = mayListen(access, identityOf(socket), now)
    if (!isLive) socket.close(keyRefusedCode, 'the key was revoked or has expired')
    return isLive
  })
}

export function tell(sockets: readonly WebSocket[], messages: MessagesByClass): void {
  const texts = new Map<AccessKey['class'], string>()
  for (const socket of sockets) {
    const keyClass = identityOf(socket).class
    const text = texts.get(keyClass) ?? textOf(messages[keyClass])
    if (text === undefined) continue
    texts.set(keyClass, text)
    try {
      socket.send(text)
    } catch {
      // It went away a moment ago: it reconnects and is told then. The others must still hear.
    }
  }
}

function identityOf(socket: WebSocket): SocketIdentity {
  return socket.deserializeAttachment() as SocketIdentity // set when it was accepted
}

function textOf(message: (() => ServerMessage) | undefined): string | undefined {
  return message && JSON.stringify(message())
}
