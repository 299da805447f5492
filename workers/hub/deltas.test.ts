import { runInDurableObject } from 'cloudflare:test'
import { expect, test } from 'vitest'
import { applyChanges } from '@halyard/shared/protocol/delta.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { ringBytesMax, ringCountMax } from './delta-ring.ts'
import { keys, open, serverKey, tokensOf } from './stream-kit.ts'
import { hubPublish, hubRead, newEnvironment, publish, stubOf } from './test-kit.ts'

const flagLine = (key: string, value: number) =>
  `flag\t${key}\t{"key":"${key}","enabled":true,"variants":[["on",true],["off",false]],"share":${value}}`
const bodyOf = (lines: readonly string[]) => lines.toSorted().join('\n')
const bytesMax = 2048
const longLine = `flag\tlong\t"${'x'.repeat(200_000)}"`
/** Five thousand flags, of which one has that value. */
const manyFlags = (value: number) =>
  bodyOf(Array.from({ length: 5000 }, (_, i) => flagLine(`flag-${i}`, i === 2500 ? value : 0)))

test('a reader that takes deltas gets those from the body that it holds, which make the body of the head', async () => {
  const environment = newEnvironment()
  const bodies = [1, 2, 3].map((value) =>
    bodyOf([flagLine('a', value), flagLine('b', 0), flagLine(`c${value}`, 0)]),
  )
  for (const [index, body] of bodies.entries()) await publish(environment, index + 1, { body })
  for (const [index, body] of bodies.entries()) {
    const held = { snapshotHash: await sha256Hex(body), takesDeltas: true }
    const { deltas = [] } = (await hubRead.read(environment, held)) ?? {}
    expect(deltas).toHaveLength(bodies.length - 1 - index)
    expect(deltas.reduce<string | null>((at, delta) => at && applyChanges(at, delta), body)).toBe(bodies[2])
  }
})

test('the body comes to a reader that takes no deltas, or that holds what the ring does not reach', async () => {
  const environment = newEnvironment()
  const first = await publish(environment, 1)
  const { body } = await publish(environment, 2)
  const snapshotHash = await sha256Hex(first.body)
  expect(await hubRead.read(environment, { snapshotHash })).toMatchObject({ body })
  expect(await hubRead.read(environment, { snapshotHash })).not.toHaveProperty('deltas')
  expect(await hubRead.read(environment, { snapshotHash: 'a'.repeat(64), takesDeltas: true })).toMatchObject({
    body,
  })
  expect(await hubRead.read(environment, { takesDeltas: true })).toMatchObject({ body })
})

test('a body that comes back is gone on from by what happened last', async () => {
  const environment = newEnvironment()
  const [one, two, three] = [1, 2, 3].map((value) => flagLine('a', value)) as [string, string, string]
  for (const [index, body] of [one, two, one, one, three].entries())
    await publish(environment, index + 1, { body })
  const held = { snapshotHash: await sha256Hex(one), takesDeltas: true }
  const { deltas = [] } = (await hubRead.read(environment, held)) ?? {}
  expect(deltas).toHaveLength(1)
  expect(applyChanges(one, deltas[0] ?? never())).toBe(three)
})

test('where deltas would be longer than the body, the body comes', async () => {
  const environment = newEnvironment()
  const lines = (value: number) => bodyOf(Array.from({ length: 200 }, (_, i) => flagLine(`flag-${i}`, value)))
  const first = await publish(environment, 1, { keys, body: lines(1) })
  const stream = await open(environment, serverKey, { since: '1.1' })
  const { body } = await publish(environment, 2, { keys, body: bodyOf([`flag\tz\t"${'x'.repeat(30_000)}"`]) })
  const held = { snapshotHash: await sha256Hex(first.body), takesDeltas: true }
  expect(await hubRead.read(environment, held)).toMatchObject({ body })
  await stream.has(2)
  expect(stream.kinds()[1]).toBe('snapshot')
})

test('a body that is no sorted lines is published, and comes whole', async () => {
  const environment = newEnvironment()
  const first = await publish(environment, 1, { keys, body: 'flag\tb\t1\nflag\ta\t1' })
  const { body } = await publish(environment, 2, { keys, body: 'flag\ta\t2\nflag\tb\t1\nflag\ta\t2' })
  const held = { snapshotHash: await sha256Hex(first.body), takesDeltas: true }
  expect(await hubRead.read(environment, held)).toMatchObject({ body })
})

test('the ring keeps a hundred deltas', async () => {
  const environment = newEnvironment()
  for (let version = 0; version <= ringCountMax + 1; version++)
    await publish(environment, version, { keys, body: bodyOf([flagLine('a', version), longLine]) })
  const read = async (version: number) =>
    await hubRead.read(environment, {
      snapshotHash: await sha256Hex(bodyOf([flagLine('a', version), longLine])),
      takesDeltas: true,
    })
  expect((await read(1))?.deltas).toHaveLength(ringCountMax)
  expect(await read(0)).toHaveProperty('body')
}, 30_000)

test('the ring keeps a mebibyte', async () => {
  const environment = newEnvironment()
  const rest = `flag\trest\t"${'r'.repeat(3_000_000)}"`
  const bodyAt = (value: number) => bodyOf([`flag\tlong\t"${String(value % 10).repeat(300_000)}"`, rest])
  for (let version = 1; version <= 6; version++)
    await publish(environment, version, { keys, body: bodyAt(version) })
  const [{ bytes, count } = { bytes: 0, count: 0 }] = await runInDurableObject(
    stubOf(environment),
    (_, { storage }) =>
      storage.sql
        .exec<{ bytes: number; count: number }>(
          'SELECT sum(length(changes)) AS bytes, count(*) AS count FROM deltas',
        )
        .toArray(),
  )
  expect(count).toBe(3)
  expect(bytes).toBeLessThanOrEqual(ringBytesMax)
})

test('a change of one flag among 5,000 is at most 2 KB on each socket', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys, body: manyFlags(1) })
  const follower = await open(environment, serverKey, { since: '1.1' })
  await publish(environment, 2, { keys, body: manyFlags(2) })
  const late = await open(environment, serverKey, { since: '1.1' })
  await Promise.all([follower.has(2), late.has(2)])
  for (const stream of [follower, late]) {
    expect(await tokensOf(stream, 'delta')).toEqual(['1.2'])
    expect(stream.sizes[1]).toBeLessThanOrEqual(bytesMax)
  }
})

test('one id more in a segment of a million is at most 2 KB on each socket', async () => {
  const environment = newEnvironment()
  const members = new Uint8Array(8_000_000)
  const hash = await sha256Hex(members)
  await hubPublish.storeBlob(environment, hash, members)
  const bodyWith = (added: number) => {
    const ids = Array.from({ length: added }, (_, i) => `user-with-a-long-id-${String(i).padStart(12, '0')}`)
    const segment = { members: { hash, count: 1_000_000 }, added: ids, removed: [] }
    return bodyOf([flagLine('a', 0), `segment\tbeta\t${JSON.stringify(segment)}`])
  }
  await publish(environment, 1, { keys, body: bodyWith(999) })
  const stream = await open(environment, serverKey, { since: '1.1' })
  await publish(environment, 2, { keys, body: bodyWith(1000) })
  await stream.has(2)
  expect(stream.kinds()).toEqual(['hello', 'delta'])
  expect(stream.sizes[1]).toBeLessThanOrEqual(bytesMax)
})

function never(): never {
  throw new Error('there is one')
}
