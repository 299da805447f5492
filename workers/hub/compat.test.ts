/**
 * What was said when `recorded/` was made must still be understood: after a deploy older Workers and objects live on
 * for minutes. A change of the protocol adds a recording; none is edited.
 */
import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import type { JWK } from 'jose'
import { expect, test, vi } from 'vitest'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeHeadVerifier } from '@halyard/shared/protocol/head.ts'
import type { HubPublishApi, HubReadApi, Publication } from '@halyard/shared/protocol/hub.ts'
import type { ServerMessage } from '@halyard/shared/protocol/stream.ts'
import { makeHubCore, type HubCore } from './hub-core.ts'
import type { ObjectPorts } from './hub-ports.ts'
import beforeRelays from './recorded/before-relays.json'
import relays1 from './recorded/relays-1.json'
import { makeRelayCore, type RelayCore } from './relay-core.ts'
import type { RelaySocket } from './relay-state.ts'
import type { RelayAck, RelayBeat, RelayUpdate } from './relay-wire.ts'
import { keys, listen, open, patience, serverKey, tokensOf } from './stream-kit.ts'
import { hubPublish, hubRead, newEnvironment, publicationOf, publish, stubOf, tablesOf } from './test-kit.ts'

type Step =
  | { readonly publish: Publication }
  | { readonly beat: RelayBeat; readonly answer: RelayUpdate | null }
  | { readonly push: RelayUpdate; readonly ack: RelayAck }

const anyTime = expect.any(Number)
// As they were recorded: JSON has no tuples and no unions.
const steps = relays1.steps as unknown as readonly Step[]
const told = relays1.messages as unknown as readonly ServerMessage[]

test('what Workers asked before there were relays is answered as it was then', async () => {
  await withHub(beforeRelays.trustedKeys, async (hub) => {
    for (const [index, { method, args, answer }] of beforeRelays.calls.entries()) {
      const hasTime = typeof answer === 'object' && answer && 'confirmedAt' in answer
      expect(await ask(hub, method, args.slice(1)), `call ${index}, ${method}`).toEqual(
        hasTime ? { ...answer, confirmedAt: anyTime } : bytesOf(answer),
      )
    }
  })
})

test('a stream that an edge asks for without a region begins as it did then', async () => {
  const environment = newEnvironment()
  for (const version of [1, 2]) await publish(environment, version, { keys })
  for (const { url, status, protocol, messages } of beforeRelays.streams) {
    const upgrade = { headers: { Upgrade: 'websocket' } }
    // A relay that has just asked the hub is not sure of a key yet, and says when to come back.
    const response = await vi.waitFor(async () => {
      const answer = await hubRead.fetch(url.replace(beforeRelays.environment, environment), upgrade)
      expect(answer.status).toBe(status)
      return answer
    }, patience)
    if (!response.webSocket || !messages) continue
    expect(response.headers.get('Sec-WebSocket-Protocol')).toBe(protocol)
    const stream = listen(response.webSocket)
    await stream.has(messages.length)
    expect(stream.messages.map(Object.keys)).toEqual(messages.map(Object.keys))
    expect(stream.kinds()).toEqual(messages.map(({ kind }) => kind))
  }
})

test('an object that an older script has written goes on', async () => {
  const environment = newEnvironment()
  const [one, two] = [
    await publicationOf(environment, 1, { keys }),
    await publicationOf(environment, 2, { keys }),
  ]
  const head = JSON.parse(atob(one.signedHead.split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? ''))
  await runInDurableObject(stubOf(environment), (_, { storage: { sql } }) => {
    sql.exec(tablesBeforeRelays)
    sql.exec('INSERT INTO head VALUES (1, ?, ?)', one.signedHead, JSON.stringify(head))
    sql.exec('INSERT INTO content VALUES (?, 0, ?)', head.snapshotHash, new TextEncoder().encode(one.body))
    sql.exec('INSERT INTO content VALUES (?, 0, ?)', head.accessHash, new TextEncoder().encode(one.access))
    sql.exec('INSERT INTO heartbeat VALUES (1, ?)', Date.now())
  })
  await evictDurableObject(stubOf(environment))
  expect(await hubRead.read(environment, {})).toEqual({ ...one, confirmedAt: anyTime })
  expect(await hubPublish.receipts(environment, '1.1')).toBeNull()
  const stream = await open(environment, serverKey, { since: '1.1' })
  expect(await hubPublish.publish(environment, two)).toMatchObject({ outcome: 'applied' })
  await stream.has(2)
  expect(await tokensOf(stream, 'delta')).toEqual(['1.2'])
  expect(await tablesOf(stubOf(environment))).not.toContainEqual({ name: 'heartbeat' })
})

test('the hub answers what relays of the first version ask', async () => {
  await withHub(relays1.trustedKeys, async (hub) => {
    for (const step of steps) {
      if ('publish' in step) expect(await hub.publish(step.publish)).toMatchObject({ outcome: 'applied' })
      if ('beat' in step) expect(hub.beat(step.beat)).toEqual({ ...step.answer, confirmedAt: anyTime })
    }
  })
})

test('the hub understands a relay that says less, or more', async () => {
  await withHub(relays1.trustedKeys, async (hub) => {
    for (const step of steps) {
      if ('publish' in step) await hub.publish(step.publish)
      if (!('beat' in step)) continue
      expect(hub.beat(without(step.beat, ['version']))).toEqual({ ...step.answer, confirmedAt: anyTime })
      expect(hub.beat({ ...step.beat, load: 3 } as RelayBeat)).toEqual({
        ...step.answer,
        confirmedAt: anyTime,
      })
    }
  })
})

test.each([
  ['of the first version', (update: RelayUpdate) => update, 'changed at 1.3'],
  [
    'that says more',
    (update: RelayUpdate): RelayUpdate => ({ ...update, mood: 'good' }) as RelayUpdate,
    'changed at 1.3',
  ],
  [
    'that says less',
    (update: RelayUpdate): RelayUpdate => without(update, ['clientAt', 'shards']),
    'changed at 1.2, changed at 1.3',
  ],
])('a relay understands a hub %s', async (_, said, changes) => {
  const answers = steps.flatMap((step) => ('beat' in step && step.answer ? [step.answer] : []))
  await withRelay(
    async () => said(answers.shift() ?? { signedHead: '', confirmedAt: 0 }),
    async (relay, sockets) => {
      const place = { environment: relays1.environment, relay: 'weur/0', since: null }
      await relay.open({ ...place, class: 'server', keyId: 'key_s' }, () => sockets.server)
      await relay.open({ ...place, class: 'client', keyId: 'key_c' }, () => sockets.client)
      for (const step of steps)
        if ('push' in step) expect(await relay.push(said(step.push))).toEqual(step.ack)
      const last = answers[0]
      if (last)
        expect(await relay.push({ signedHead: last.signedHead, confirmedAt: 0 })).toEqual({ version: '1.3' })
      expect(sockets.heard('server')).toEqual(told)
      const heard = sockets.heard('client').filter((each) => each.kind === 'changed')
      // The key was revoked with the last version: what its socket is told on the way out does no harm.
      expect(heard.map(({ version }) => `changed at ${version}`).join(', ')).toBe(changes)
    },
  )
})

/** The tables of `EnvironmentHub` when it held the sockets itself. */
const tablesBeforeRelays = `
  CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), signed_head TEXT NOT NULL, head TEXT NOT NULL);
  CREATE TABLE content (hash TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (hash, part));
  CREATE TABLE kv (kind TEXT PRIMARY KEY, written TEXT, not_before INTEGER NOT NULL, failures INTEGER NOT NULL);
  CREATE TABLE heartbeat (id INTEGER PRIMARY KEY CHECK (id = 1), due_at INTEGER NOT NULL);
  CREATE TABLE blobs (hash TEXT PRIMARY KEY, size INTEGER NOT NULL, named INTEGER NOT NULL, since INTEGER NOT NULL);
  CREATE TABLE blob_parts (hash TEXT NOT NULL, part INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (hash, part));
`

/** A hub on real storage that trusts whoever signed the recording. */
async function withHub(trusted: readonly JWK[], work: (hub: HubCore) => Promise<void>) {
  await runInDurableObject(stubOf(newEnvironment()), async (_, { storage }) => {
    const hub = makeHubCore({
      ...portsOf(storage, trusted),
      isOwn: () => true,
      kv: { put: async () => undefined, delete: async () => undefined },
      callRelay: async () => await Promise.reject(new Error('no relay listens')),
      defer: () => undefined,
    })
    await work(hub)
  })
}

interface Ears {
  readonly server: RelaySocket
  readonly client: RelaySocket
  readonly heard: (keyClass: 'server' | 'client') => readonly ServerMessage[]
}

/** A relay on real storage, with a socket of each class that only listens. */
async function withRelay(
  callHub: () => Promise<RelayUpdate>,
  work: (relay: RelayCore, ears: Ears) => Promise<void>,
) {
  const texts = { server: [] as string[], client: [] as string[] }
  const socketOf = (keyClass: 'server' | 'client'): RelaySocket => ({
    send: (text) => texts[keyClass].push(text),
    close: () => undefined,
  })
  const [server, client] = [socketOf('server'), socketOf('client')]
  const heard = (keyClass: 'server' | 'client') =>
    texts[keyClass].map((text) => JSON.parse(text) as ServerMessage) // what is under test
  await runInDurableObject(stubOf(newEnvironment()), async (_, { storage }) => {
    const relay = makeRelayCore({
      ...portsOf(storage, relays1.trustedKeys),
      random: () => 0.5,
      callHub,
      sockets: {
        count: () => 2,
        ofClass: (keyClass) => [keyClass === 'server' ? server : client],
        ofKey: () => [],
        heardAt: () => Date.now(),
      },
    })
    await work(relay, { server, client, heard })
  })
}

function portsOf(storage: DurableObjectStorage, trusted: readonly JWK[]): ObjectPorts {
  return {
    sql: storage.sql,
    transactionSync: (work) => storage.transactionSync(work),
    now: () => Date.now(),
    verify: makeHeadVerifier(trusted),
    hash: sha256Hex,
    setAlarm: async () => undefined,
    report: vi.fn(),
  }
}

async function ask(hub: HubCore, method: string, args: readonly unknown[]): Promise<unknown> {
  const [first, second] = args.map(bytesOf) as [never, never] // as they were recorded
  const methods: Record<Exclude<keyof (HubPublishApi & HubReadApi), 'receipts'>, () => unknown> = {
    publish: () => hub.publish(first),
    head: () => hub.confirm()?.signedHead ?? null,
    storeBlob: () => hub.storeBlob(first, second),
    confirm: () => hub.confirm(),
    read: () => hub.read(first),
    blob: () => hub.blob(first),
  }
  return await methods[method as keyof typeof methods]()
}

/** The same without those that may be missing. */
function without<Message extends object>(message: Message, optional: readonly (keyof Message & string)[]) {
  const entries = Object.entries(message).filter(([name]) => !optional.some((each) => each === name))
  return Object.fromEntries(entries) as Message
}

function bytesOf(value: unknown): unknown {
  const { base64 } = (value ?? {}) as { base64?: string } // how a recording writes bytes
  return base64 === undefined ? value : Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
}
