/** What the tests of streams have in common: real sockets at real relays, and ways to break what lies behind them. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { expect, vi } from 'vitest'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { makeHeadVerifier, parseTrustedKeys } from '@halyard/shared/protocol/head.ts'
import type { ServerMessage } from '@halyard/shared/protocol/stream.ts'
import { formatVersion } from '@halyard/shared/protocol/version.ts'
import type { EnvironmentHub } from './environment-hub.ts'
import type { HubEnv } from './env.ts'
import type { RelayBeat, RelayUpdate } from './relay-wire.ts'
import type { StreamRelay } from './stream-relay.ts'
import { hubEnv, hubRead, stubOf } from './test-kit.ts'

export const serverKey: AccessKey = { id: 'key_s', hash: 's', class: 'server' }
export const clientKey: AccessKey = { id: 'key_c', hash: 'c', class: 'client' }
export const keys = [serverKey, clientKey]
export const patience = { timeout: 5000, interval: 10 }

interface Wish {
  readonly since?: string
  readonly region?: string
}

export type Stream = Awaited<ReturnType<typeof open>>

export const relayOf = (environment: string, relay = 'weur/0') =>
  hubEnv.RELAYS.getByName(`${environment}/${relay}`)

export async function request(environment: string, key: Pick<AccessKey, 'id' | 'class'>, wish: Wish = {}) {
  const query = new URLSearchParams({ environment, class: key.class, key: key.id, ...wish })
  return await hubRead.fetch(`https://hub/stream?${query}`, { headers: { Upgrade: 'websocket' } })
}

export async function open(environment: string, key: AccessKey, wish: Wish = {}) {
  const response = await request(environment, key, wish)
  if (!response.webSocket) throw new Error(`no socket: ${response.status} ${await response.text()}`)
  const stream = listen(response.webSocket)
  await stream.has(1)
  return { ...stream, protocol: response.headers.get('Sec-WebSocket-Protocol') }
}

/** Whom of a relay's sockets nobody pings for: each `head` is answered only if the test does. */
export function listen(socket: WebSocket) {
  const messages: ServerMessage[] = []
  const sizes: number[] = []
  let closed: number | null = null
  socket.addEventListener('message', ({ data }) => {
    messages.push(JSON.parse(String(data)) as ServerMessage) // what is under test
    sizes.push(new TextEncoder().encode(String(data)).length)
  })
  socket.addEventListener('close', ({ code }) => {
    closed = code
  })
  socket.accept()
  const has = (count: number) =>
    vi.waitFor(() => expect(messages.length).toBeGreaterThanOrEqual(count), patience)
  const kinds = () => messages.map(({ kind }) => kind)
  return { socket, messages, sizes, has, kinds, closeCode: () => closed }
}

/** The token of the version that a signed head is of. */
export async function tokenOf(signedHead: string): Promise<string> {
  const head = await makeHeadVerifier(parseTrustedKeys(hubEnv.TRUSTED_KEYS))(signedHead)
  if (!head) throw new Error('not a head')
  return formatVersion(head)
}

/** The tokens of the versions that a server socket was told of, in order. */
export async function tokensOf({ messages }: Stream, kind: 'delta' | 'snapshot' | 'head' | 'hello') {
  return await Promise.all(
    messages.flatMap((each) =>
      each.kind === kind && 'signedHead' in each ? [tokenOf(each.signedHead)] : [],
    ),
  )
}

/** Moves the due times, since the tests cannot move the clock, puts the relay to sleep and runs its alarm. */
export async function beat(environment: string, relay?: string): Promise<void> {
  const stub = relayOf(environment, relay)
  await runInDurableObject(stub, async (_, { storage }) => {
    storage.sql.exec(
      'UPDATE times SET ask_at = ?, head_at = ? WHERE ask_at IS NOT NULL',
      Date.now(),
      Date.now(),
    )
    await storage.setAlarm(Date.now() + 60_000)
  })
  await evictDurableObject(stub)
  await runDurableObjectAlarm(stub)
}

/** Like `beat`, but nothing comes from the hub: the question is given to `ask` instead. */
export async function beatCutOff(environment: string, ask: (beat: RelayBeat) => Promise<RelayUpdate | null>) {
  const stub = relayOf(environment)
  await runInDurableObject(stub, async (_, { storage }) => {
    storage.sql.exec('UPDATE times SET ask_at = ?, head_at = ?', Date.now(), Date.now())
    await storage.setAlarm(Date.now() + 60_000)
  })
  await evictDurableObject(stub)
  await cutOff(environment, ask)
  await runDurableObjectAlarm(stub)
}

/** What the relay asks its hub is given to `ask`, until it sleeps. */
export async function cutOff(environment: string, ask: (beat: RelayBeat) => Promise<RelayUpdate | null>) {
  await runInDurableObject(relayOf(environment), (relay: StreamRelay) => {
    bindingsOf(relay).ENVIRONMENTS = { getByName: () => ({ beat: ask }) }
  })
}

/** What the hub pushes is given to `push`, until it sleeps. */
export async function interceptPushes(environment: string, push: (update: RelayUpdate) => Promise<unknown>) {
  await runInDurableObject(stubOf(environment), (hub: EnvironmentHub) => {
    bindingsOf(hub).RELAYS = { getByName: () => ({ push }) }
  })
}

export async function timesOf(environment: string, relay?: string) {
  return await runInDurableObject(relayOf(environment, relay), (_, { storage }) => {
    const [row] = storage.sql
      .exec<{ ask_at: number | null; head_at: number; failures: number; confirmed_at: number }>(
        'SELECT * FROM times',
      )
      .toArray()
    return row
  })
}

/** The relays that the hub knows. */
export async function relaysOf(environment: string) {
  return await runInDurableObject(stubOf(environment), (_, { storage }) =>
    storage.sql
      .exec<{ relay: string; sockets: number }>('SELECT relay, sockets FROM relays ORDER BY relay')
      .toArray(),
  )
}

/** Protected, but the fault must be put in somewhere. */
function bindingsOf(object: EnvironmentHub | StreamRelay): Record<keyof HubEnv, unknown> {
  const open = object as unknown as { env: Record<keyof HubEnv, unknown> }
  open.env = { ...open.env }
  return open.env
}
