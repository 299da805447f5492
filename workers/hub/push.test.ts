import { runInDurableObject } from 'cloudflare:test'
import { afterEach, expect, test, vi } from 'vitest'
import { applyChanges } from '@halyard/shared/protocol/delta.ts'
import type { DeltaMessage } from '@halyard/shared/protocol/stream.ts'
import type { RelayAck, RelayBeat, RelayUpdate } from './relay-wire.ts'
import { release } from './release.ts'
import {
  beat,
  beatCutOff,
  clientKey,
  cutOff,
  interceptPushes,
  keys,
  open,
  patience,
  relayOf,
  relaysOf,
  serverKey,
  timesOf,
  tokensOf,
} from './stream-kit.ts'
import { hubRead, newEnvironment, publicationOf, publish, stubOf } from './test-kit.ts'

afterEach(() => vi.restoreAllMocks())

const lost = async () => await Promise.reject(new Error('lost'))

test('a push that is lost is repeated by the alarm after a second', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const stream = await open(environment, serverKey, { since: '1.1' })
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const pushedAt: number[] = []
  await interceptPushes(environment, async (update) => {
    pushedAt.push(Date.now())
    return pushedAt.length < 2 ? await lost() : await relayOf(environment).push(update)
  })
  await publish(environment, 2, { keys })
  await stream.has(2)
  expect(stream.kinds()).toEqual(['hello', 'delta'])
  expect((pushedAt[1] ?? 0) - (pushedAt[0] ?? 0)).toBeGreaterThanOrEqual(900)
})

test('publishing does not wait for a relay that does not answer', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  await open(environment, serverKey, { since: '1.1' })
  const report = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  await interceptPushes(environment, async () => await new Promise(() => undefined))
  await publish(environment, 2, { keys })
  expect(report).not.toHaveBeenCalled()
  await vi.waitFor(() => expect(report).toHaveBeenCalled(), patience)
})

test('a relay that cannot go on by deltas asks for the whole, and makes a delta of it for its sockets', async () => {
  const environment = newEnvironment()
  const first = await publish(environment, 1, { keys })
  const stream = await open(environment, serverKey, { since: '1.1' })
  await interceptPushes(environment, lost)
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  await publish(environment, 2, { keys })
  const { signedHead, body } = await publish(environment, 3, { keys })
  await beatCutOff(environment, async (beat) => {
    // The types of RPC forget what a tuple is.
    const answer = (await release(stubOf(environment).beat(beat))) as unknown as RelayUpdate
    // As if the key that signed the versions in between were trusted no more.
    const deltas = answer.deltas?.map((each) => ({ ...each, signedHead: 'of.another.key' }))
    return { ...answer, ...(deltas && { deltas }) }
  })
  await stream.has(3)
  expect(stream.messages.slice(1, 3)).toMatchObject([{ kind: 'delta', signedHead }, { kind: 'head' }])
  expect(applyChanges(first.body, stream.messages[1] as DeltaMessage)).toBe(body)
  const late = await open(environment, serverKey, { since: '1.1' })
  await late.has(2)
  expect(late.messages[1]).toEqual(stream.messages[1])
})

test('a relay that attaches while something is published is told of it, and stays known', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const [answer, arrived] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  await cutOff(environment, async (beat) => {
    const update = (await release(stubOf(environment).beat(beat))) as unknown as RelayUpdate // as above
    await answer.promise
    return update
  })
  const acks: Promise<RelayAck | null>[] = []
  await interceptPushes(environment, async (update) => {
    const stub = relayOf(environment)
    const ack = release(stub.push(update))
    acks.push(ack)
    // Calls on one stub arrive in order: when this is done, the push has begun.
    await runInDurableObject(stub as DurableObjectStub, () => undefined)
    arrived.resolve()
    return await ack
  })
  const opening = open(environment, serverKey, { since: '1.1' })
  await vi.waitFor(async () => expect(await relaysOf(environment)).toHaveLength(1), patience)
  await publish(environment, 2, { keys })
  await arrived.promise
  answer.resolve()
  const stream = await opening
  await stream.has(2)
  expect(await tokensOf(stream, 'delta')).toEqual(['1.2'])
  expect(await acks[0]).toEqual({ version: '1.2' })
  expect(await relaysOf(environment)).toHaveLength(1)
})

test('a relay is struck off for wanting nothing only if it was not heard since it was told', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const told = Promise.withResolvers<void>()
  await release(stubOf(environment).beat(beatOf('oc/0')))
  await release(stubOf(environment).beat(beatOf('oc/1')))
  await runInDurableObject(stubOf(environment), (_, { storage }) => {
    storage.sql.exec('UPDATE relays SET heard_at = heard_at - 1000')
  })
  await interceptPushes(environment, async () => {
    // Its clock is far behind that of the hub.
    await release(stubOf(environment).beat(beatOf('oc/0')))
    told.resolve()
    return null
  })
  await publish(environment, 2, { keys })
  await told.promise
  await vi.waitFor(async () => {
    expect((await relaysOf(environment)).map(({ relay }) => relay)).toEqual(['oc/0'])
  }, patience)
})

test('what is long goes to some relays at once, to one after another, and what is short to all', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys, body: long('x') })
  for (let each = 0; each < 40; each++) await release(stubOf(environment).beat(beatOf(`weur/${each}`)))
  let [underWay, most, told] = [0, 0, 0]
  await interceptPushes(environment, async () => {
    underWay += 1
    most = Math.max(most, underWay)
    await Promise.resolve()
    underWay -= 1
    told += 1
    return { version: '9.9' }
  })
  await publish(environment, 2, { keys, body: long('y') })
  await vi.waitFor(() => expect(told).toBe(40), patience)
  expect(most).toBe(9)
  await publish(environment, 3, { keys, body: `${long('y')}\nflag\tc\t1` })
  await vi.waitFor(() => expect(told).toBe(80), patience)
  expect(most).toBe(40)
})

test('a push that is lost for good heals at the next beat', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const [stream, page] = [
    await open(environment, serverKey, { since: '1.1' }),
    await open(environment, clientKey),
  ]
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  await interceptPushes(environment, lost)
  await publish(environment, 2, { keys })
  await publish(environment, 3, { keys })
  await beat(environment)
  await Promise.all([stream.has(4), page.has(3)])
  expect(stream.kinds()).toEqual(['hello', 'delta', 'delta', 'head'])
  expect(await tokensOf(stream, 'delta')).toEqual(['1.2', '1.3'])
  expect(page.messages.slice(1)).toMatchObject([{ kind: 'changed', version: '1.3' }, { kind: 'head' }])
})

test('a push that does not lead on from what the relay holds makes it ask', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const stream = await open(environment, serverKey, { since: '1.1' })
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const pushes: RelayUpdate[] = []
  await interceptPushes(environment, async (update) => {
    pushes.push(update)
    return pushes.length === 1 ? await lost() : await relayOf(environment).push(update)
  })
  await publish(environment, 2, { keys })
  await publish(environment, 3, { keys })
  await stream.has(3)
  expect(pushes.map(({ deltas }) => deltas?.length)).toEqual([1, 1])
  expect(await tokensOf(stream, 'delta')).toEqual(['1.2', '1.3'])
})

test('versions are compared when they are applied: an older push that is checked for longer lowers nobody', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  const stream = await open(environment, serverKey, { since: '1.1' })
  await interceptPushes(environment, lost)
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const [older, newer] = [await publish(environment, 2, { keys }), await publish(environment, 3, { keys })]
  const newerIsApplied = Promise.withResolvers<void>()
  const digest = crypto.subtle.digest.bind(crypto.subtle)
  vi.spyOn(crypto.subtle, 'digest').mockImplementation(async (algorithm, data) => {
    if (new TextDecoder().decode(data) === older.body) await newerIsApplied.promise
    return await digest(algorithm, data)
  })
  await runInDurableObject(relayOf(environment), async (relay) => {
    const first = relay.push({ ...older, confirmedAt: Date.now() })
    expect(await relay.push({ ...newer, confirmedAt: Date.now() })).toEqual({ version: '1.3' })
    newerIsApplied.resolve()
    expect(await first).toEqual({ version: '1.3' })
  })
  await publish(environment, 4, { keys })
  await beat(environment)
  await vi.waitFor(() => expect(stream.kinds().at(-1)).toBe('head'), patience)
  expect(await tokensOf(stream, 'delta')).toEqual(['1.3', '1.4'])
})

test('what cannot be verified is not taken, and what was held stays', async () => {
  const environment = newEnvironment()
  const good = await publish(environment, 1, { keys })
  const stream = await open(environment, serverKey, { since: '1.1' })
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  await interceptPushes(environment, lost)
  const confirmedAt = Date.now() + 5000
  const next = await publicationOf(environment, 2, { keys: [serverKey] })
  const stranger = newEnvironment()
  const bad: Record<string, RelayUpdate> = {
    unsigned: {
      ...next,
      confirmedAt,
      signedHead: next.signedHead.replace(/.$/, (c) => (c === 'A' ? 'Q' : 'A')),
    },
    body: { ...next, confirmedAt, body: `${next.body} ` },
    access: { ...next, confirmedAt, access: next.access.replace('key_s', 'key_x') },
    environment: { ...(await publicationOf(stranger, 2, { keys })), confirmedAt },
    record: {
      ...(await publicationOf(environment, 2, { access: `{"environment":"${stranger}","keys":[]}` })),
      confirmedAt,
    },
    conflict: { ...(await publicationOf(environment, 1, { keys, body: 'flag\tother\t{}' })), confirmedAt },
    delta: {
      signedHead: next.signedHead,
      confirmedAt,
      deltas: [
        {
          signedHead: next.signedHead,
          base: headOf(good.signedHead).snapshotHash,
          set: ['flag\tno\t{}'],
          remove: [],
          splice: [],
        },
      ],
    },
  }
  for (const [name, update] of Object.entries(bad))
    expect(await relayOf(environment).push(update), name).toEqual({ version: '1.1' })
  expect(await timesOf(environment)).not.toMatchObject({ confirmed_at: confirmedAt })
  const another = await open(environment, serverKey)
  await another.has(2)
  expect(another.messages[1]).toEqual({ kind: 'snapshot', signedHead: good.signedHead, body: good.body })
  expect(stream.kinds()).toEqual(['hello'])
})

test('a restored environment goes on in its new epoch, although the versions are lower', async () => {
  const environment = newEnvironment()
  await publish(environment, 9, { keys })
  const stream = await open(environment, serverKey, { since: '1.9' })
  await publish(environment, 2, { keys, epoch: 2 })
  await publish(environment, 10, { keys })
  await beat(environment)
  await stream.has(3)
  expect(await tokensOf(stream, 'delta')).toEqual(['2.2'])
  expect(await tokensOf(stream, 'head')).toEqual(['2.2'])
  expect((await hubRead.confirm(environment))?.signedHead).toBe(
    (stream.messages[1] as { signedHead?: string }).signedHead,
  )
})

const beatOf = (relay: string): RelayBeat => ({ relay, sockets: 1, sentAt: 0, held: {} })

/** Of two flags, one of which is 900 KB of a letter. */
const long = (letter: string) => `flag\ta\t"${letter.repeat(900_000)}"\nflag\tb\t"${'b'.repeat(100_000)}"`

function headOf(signedHead: string): { snapshotHash: string } {
  const [, payload = ''] = signedHead.split('.')
  return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
}
