/** What a new socket is told, by what its reader holds. Each text is made once for all who come in a storm. */
import { heartbeatSec, type ServerMessage } from '@halyard/shared/protocol/stream.ts'
import { compareVersions, parseVersion, type Version } from '@halyard/shared/protocol/version.ts'
import { chainFromVersion } from './delta-ring.ts'
import type { Relay } from './relay-state.ts'
import type { Replica } from './replica.ts'
import { bodyOf } from './take-update.ts'

/** Whatever versions readers claim to hold. */
const greetingsMax = 128

export function greetServer(relay: Relay, replica: Replica, since: Version | null): readonly string[] {
  const { signedHead, at } = replica
  const hello = cached(relay, 'server', () => [{ kind: 'hello', signedHead, heartbeatSec }])
  // Nothing leads back: who holds more is told when this relay does.
  if (since && compareVersions(since, replica.head) >= 0) return hello
  const token = since ? `${since.epoch}.${since.version}` : ''
  const deltas = cached(relay, `deltas ${token}`, () =>
    (chainFromVersion(relay.ports.sql, token, replica.head.size) ?? []).map((delta) => ({
      kind: 'delta',
      ...delta,
    })),
  )
  if (deltas.length > 0) return [...hello, ...deltas]
  return [
    ...hello,
    ...cached(relay, `snapshot ${at}`, () => [
      { kind: 'snapshot', signedHead, body: bodyOf(relay, replica) },
    ]),
  ]
}

export function greetClient(relay: Relay, { clientAt }: Replica, since: Version | null): readonly string[] {
  const hello = cached(relay, 'client', () => [{ kind: 'hello', version: clientAt, heartbeatSec }])
  const changedAt = parseVersion(clientAt)
  if (!since || !changedAt || compareVersions(since, changedAt) >= 0) return hello
  return [...hello, ...cached(relay, 'changed', () => [{ kind: 'changed', version: clientAt }])]
}

function cached(relay: Relay, name: string, make: () => readonly ServerMessage[]): readonly string[] {
  const { greetingsCache: cache } = relay
  const known = cache.get(name)
  if (known) return known
  const texts = make().map((message) => JSON.stringify(message))
  if (cache.size >= greetingsMax) cache.clear()
  cache.set(name, texts)
  return texts
}
