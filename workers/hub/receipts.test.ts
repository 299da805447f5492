import { expect, test, vi } from 'vitest'
import { beat, interceptPushes, keys, open, patience, serverKey } from './stream-kit.ts'
import { hubPublish, newEnvironment, publish } from './test-kit.ts'

test('a receipt says when each relay confirmed a version, for the last 64', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  expect(await hubPublish.receipts(environment, '1.1')).toEqual([])
  await open(environment, serverKey, { since: '1.1' })
  const before = Date.now()
  // What it took when it attached it confirms at once.
  await vi.waitFor(async () => {
    expect(await hubPublish.receipts(environment, '1.1')).toMatchObject([{ relay: 'weur/0' }])
  }, patience)
  await publish(environment, 2, { keys })
  const ackedAt = expect.toSatisfy((at) => at >= before && at <= Date.now())
  await vi.waitFor(async () => {
    expect(await hubPublish.receipts(environment, '1.2')).toEqual([{ relay: 'weur/0', ackedAt }])
  }, patience)
  await open(environment, serverKey, { since: '1.2', region: 'me' })
  await beat(environment, 'me/0')
  await vi.waitFor(async () => {
    const relays = (await hubPublish.receipts(environment, '1.2'))?.map(({ relay }) => relay)
    expect(relays).toEqual(['weur/0', 'me/0'])
  }, patience)
  expect(await hubPublish.receipts(environment, '1.1')).toHaveLength(1)
  expect(await hubPublish.receipts(environment, '1.3')).toBeNull()
  expect(await hubPublish.receipts(environment, 'first')).toBeNull()
  for (let version = 3; version <= 66; version++) await publish(environment, version, { keys })
  expect(await hubPublish.receipts(environment, '1.2')).toBeNull()
  expect(await hubPublish.receipts(environment, '1.3')).not.toBeNull()
})

test('a relay that learns of a version by asking confirms it at once, not at its next beat', async () => {
  const environment = newEnvironment()
  await publish(environment, 1, { keys })
  await open(environment, serverKey, { since: '1.1' })
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  await interceptPushes(environment, async () => await Promise.reject(new Error('lost')))
  await publish(environment, 2, { keys })
  await beat(environment)
  await vi.waitFor(async () => {
    expect(await hubPublish.receipts(environment, '1.2')).toMatchObject([{ relay: 'weur/0' }])
  }, patience)
})

test('receipts of an environment that was never published are null, and nothing is written', async () => {
  expect(await hubPublish.receipts(newEnvironment(), '1.1')).toBeNull()
})
