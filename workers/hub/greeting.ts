/** What a new socket is told, by what its reader holds. Each text is made once for all who come in a storm. */
import { heartbeatSec, type ServerMessage } from '@halyard/shared/protocol/stream.ts'
import {
  compareVersions,
  formatVersion,
  parseVersion,
  type Version,
} from '@halyard/shared/protocol/version.ts'
import { isShort, readRing } from './delta-ring.ts'
import type { Greetings, Relay, RingText } from './relay-state.ts'
import type { Replica } from './replica.ts'
import { bodyOf } from './take-update.ts'

export function greetServer(relay: Relay, replica: Replica, since: Version | null): readonly string[] {
  const { signedHead, head } = replica
  const hello = textOf(relay, 'server', () => ({ kind: 'hello', signedHead, heartbeatSec }))
  // Nothing leads back: who holds more is told when this relay does.
  if (since && compareVersions(since, head) >= 0) return [hello]
  const chain = since ? chainFrom(relay, formatVersion(since), head.size) : []
  if (chain.length > 0) return [hello, ...chain]
  return [
    hello,
    textOf(relay, 'snapshot', () => ({ kind: 'snapshot', signedHead, body: bodyOf(relay, replica) })),
  ]
}

export function greetClient(relay: Relay, { clientAt }: Replica, since: Version | null): readonly string[] {
  const hello = textOf(relay, 'client', () => ({ kind: 'hello', version: clientAt, heartbeatSec }))
  const changedAt = parseVersion(clientAt)
  if (!since || !changedAt || compareVersions(since, changedAt) >= 0) return [hello]
  return [hello, textOf(relay, 'changed', () => ({ kind: 'changed', version: clientAt }))]
}

/** What leads from that version to the head; nothing if the ring does not reach, or the body is shorter. */
function chainFrom(relay: Relay, token: string, bodyBytes: number): readonly string[] {
  const ring = (relay.greetings.ring ??= ringOf(relay))
  const start = ring.findLastIndex(({ baseAt }) => baseAt === token)
  if (start === -1) return []
  const chain = ring.slice(start)
  const bytes = chain.reduce((sum, each) => sum + each.bytes, 0)
  return isShort(bytes, bodyBytes) ? chain.map(({ text }) => text) : []
}

function ringOf({ ports }: Relay): readonly RingText[] {
  return readRing(ports.sql).map(({ baseAt, bytes, delta }) => {
    const message: ServerMessage = { kind: 'delta', ...delta }
    return { baseAt, bytes, text: JSON.stringify(message) }
  })
}

type TextName = Parameters<Greetings['textsCache']['get']>[0]

function textOf({ greetings }: Relay, name: TextName, make: () => ServerMessage): string {
  const text = greetings.textsCache.get(name) ?? JSON.stringify(make())
  greetings.textsCache.set(name, text)
  return text
}
