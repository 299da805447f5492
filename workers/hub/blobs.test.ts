import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { expect, test, vi } from 'vitest'
import { fingerprintOf, sealBlob } from '@halyard/shared/engine/blob.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { kvNames } from '@halyard/shared/protocol/hub.ts'
import type { EnvironmentHub } from './environment-hub.ts'
import type { HubEnv } from './env.ts'
import { hubEnv, hubPublish, hubRead, newEnvironment, publicationOf, publish, stubOf } from './test-kit.ts'

const hourMs = 3_600_000
const patience = { timeout: 5000, interval: 20 }

test('a head whose blobs are not here is refused with their hashes, and nothing changes', async () => {
  const environment = newEnvironment()
  const { signedHead } = await publish(environment, 1)
  const [held, absent] = [await makeBlob(10), await makeBlob(20)]
  await store(environment, held)
  const next = await publicationOf(environment, 2, { body: bodyOf(held, absent) })
  expect(await hubPublish.publish(environment, next)).toEqual({
    outcome: 'missing_blobs',
    hashes: [absent.hash],
  })
  expect(await hubPublish.head(environment)).toBe(signedHead)
  await store(environment, absent)
  expect(await hubPublish.publish(environment, next)).toMatchObject({ outcome: 'applied' })
})

test('an older head is behind, whether its blobs are here or not', async () => {
  const environment = newEnvironment()
  await publish(environment, 2)
  const older = await publicationOf(environment, 1, { body: bodyOf(await makeBlob(3)) })
  expect(await hubPublish.publish(environment, older)).toMatchObject({ reason: 'behind' })
})

test('a blob of a million ids comes back as it was, from rows of at most 1 MiB, also after eviction', async () => {
  const environment = newEnvironment()
  const blob = await makeBlob(1_000_000)
  await store(environment, blob)
  await publish(environment, 1, { body: bodyOf(blob) })
  await evictDurableObject(stubOf(environment))
  const bytes = await hubRead.blob(environment, blob.hash)
  expect(bytes?.length).toBe(8_000_000)
  expect(await sha256Hex(bytes ?? new Uint8Array())).toBe(blob.hash)
  await runInDurableObject(stubOf(environment), (_, { storage }) => {
    const { longest } = storage.sql
      .exec<{ longest: number }>('SELECT max(length(bytes)) AS longest FROM blob_parts')
      .one()
    expect(longest).toBe(1024 * 1024)
  })
})

test('bytes that are not those of the hash, or no blob, are refused', async () => {
  const environment = newEnvironment()
  const { hash, bytes } = await makeBlob(4)
  const odd = new Uint8Array(12)
  const tooLong = new Uint8Array(8_000_008)
  expect(await hubPublish.storeBlob(environment, hash, (await makeBlob(5)).bytes)).toBe('refused')
  expect(await hubPublish.storeBlob(environment, await sha256Hex(odd), odd)).toBe('refused')
  expect(await hubPublish.storeBlob(environment, await sha256Hex(tooLong), tooLong)).toBe('refused')
  expect(await hubRead.blob(environment, hash)).toBeNull()
  expect(await hubPublish.storeBlob(environment, hash, bytes)).toBe('stored')
  expect(await hubRead.blob(environment, hash)).toEqual(bytes)
})

test('a body that names more than 32 MiB of blobs, or more than a million ids in one, is refused', async () => {
  const environment = newEnvironment()
  const bad = { outcome: 'refused', reason: 'bad_content', signedHead: null }
  const full = ['a', 'b', 'c', 'd', 'e'].map((letter) => named(1_000_000, letter))
  for (const blobs of [[named(1_000_001, 'a')], full]) {
    const publication = await publicationOf(environment, 1, { body: bodyOf(...blobs) })
    expect(await hubPublish.publish(environment, publication)).toEqual(bad)
  }
  const fits = await publicationOf(environment, 1, { body: bodyOf(...full.slice(0, 4)) })
  expect(await hubPublish.publish(environment, fits)).toMatchObject({ outcome: 'missing_blobs' })
})

test('reading a blob of an environment that was never published answers null and writes nothing', async () => {
  const environment = newEnvironment()
  expect(await hubRead.blob(environment, 'a'.repeat(64))).toBeNull()
  await runInDurableObject(stubOf(environment), (_, { storage }) => {
    expect(storage.sql.exec("SELECT name FROM sqlite_master WHERE name = 'blobs'").toArray()).toEqual([])
  })
})

test('KV gets each named blob once, and one that nobody named not at all', async () => {
  const environment = newEnvironment()
  const puts = await recordPuts(environment)
  const [named, idle] = [await makeBlob(6), await makeBlob(7)]
  await store(environment, named)
  await store(environment, idle)
  const body = bodyOf(named)
  await publish(environment, 1, { body })
  await vi.waitFor(async () => expect(await readKv(environment, named.hash)).toEqual(named.bytes), patience)
  await publish(environment, 2, { body: `flag\tx\t{}\n${body}` })
  await vi.waitFor(() => {
    expect(puts.filter((name) => name === kvNames.snapshot(environment))).toHaveLength(2)
  }, patience)
  expect(puts.filter((name) => name.startsWith('blob:'))).toEqual([kvNames.blob(environment, named.hash)])
})

test('a KV write of a blob that fails is tried again by the alarm', async () => {
  const environment = newEnvironment()
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const puts = await recordPuts(environment, (name) => {
    if (name.startsWith('blob:')) throw new Error('429 too many requests')
  })
  const blob = await makeBlob(8)
  await store(environment, blob)
  await publish(environment, 1, { body: bodyOf(blob) })
  await vi.waitFor(() => expect(puts).toContain(kvNames.blob(environment, blob.hash)), patience)
  expect(await readKv(environment, blob.hash)).toBeNull()
  // A new instance has the real namespace again, and finds in storage what is still to be done.
  await evictDurableObject(stubOf(environment))
  await vi.waitFor(async () => expect(await readKv(environment, blob.hash)).toEqual(blob.bytes), patience)
})

test('a blob that the head names no more is kept for an hour, and then leaves the hub and KV', async () => {
  const environment = newEnvironment()
  const [old, present] = [await makeBlob(11), await makeBlob(12)]
  await store(environment, old)
  await publish(environment, 1, { body: bodyOf(old) })
  await vi.waitFor(async () => expect(await readKv(environment, old.hash)).not.toBeNull(), patience)
  await store(environment, present)
  await publish(environment, 2, { body: bodyOf(present) })
  await passTime(environment, hourMs - 5_000)
  expect(await hubRead.blob(environment, old.hash)).toEqual(old.bytes)
  await passTime(environment, 5_000)
  expect(await hubRead.blob(environment, old.hash)).toBeNull()
  await vi.waitFor(async () => expect(await readKv(environment, old.hash)).toBeNull(), patience)
  expect(await hubRead.blob(environment, present.hash)).toEqual(present.bytes)
  expect(await readKv(environment, present.hash)).toEqual(present.bytes)
  await vi.waitFor(async () => expect(await alarmAt(environment)).toBeNull(), patience)
})

test('a blob whose deletion from KV landed but was called failed is put there again when it is named again', async () => {
  const environment = newEnvironment()
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const blob = await makeBlob(16)
  await store(environment, blob)
  await publish(environment, 1, { body: bodyOf(blob) })
  await vi.waitFor(async () => expect(await readKv(environment, blob.hash)).not.toBeNull(), patience)
  await publish(environment, 2)
  const deleted = await failDeletes(environment)
  await passTime(environment, hourMs)
  await vi.waitFor(() => expect(deleted).toEqual([kvNames.blob(environment, blob.hash)]), patience)
  expect(await readKv(environment, blob.hash)).toBeNull()
  await store(environment, blob)
  await publish(environment, 3, { body: bodyOf(blob) })
  await vi.waitFor(async () => expect(await readKv(environment, blob.hash)).toEqual(blob.bytes), patience)
})

test('a deletion from KV that fails is tried again', async () => {
  const environment = newEnvironment()
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const blob = await makeBlob(17)
  await store(environment, blob)
  await publish(environment, 1, { body: bodyOf(blob) })
  await vi.waitFor(async () => expect(await readKv(environment, blob.hash)).not.toBeNull(), patience)
  await publish(environment, 2)
  const deleted = await failDeletes(environment)
  await passTime(environment, hourMs)
  await vi.waitFor(() => expect(deleted).toHaveLength(1), patience)
  await vi.waitFor(() => expect(deleted).toHaveLength(2), patience)
})

test('a blob that is named again in time stays', async () => {
  const environment = newEnvironment()
  const blob = await makeBlob(13)
  await store(environment, blob)
  await publish(environment, 1, { body: bodyOf(blob) })
  await publish(environment, 2)
  await publish(environment, 3, { body: bodyOf(blob) })
  await passTime(environment, hourMs)
  expect(await hubRead.blob(environment, blob.hash)).toEqual(blob.bytes)
})

test('a blob that no head ever names is dropped after an hour, also before the first head', async () => {
  const environment = newEnvironment()
  const blob = await makeBlob(14)
  await store(environment, blob)
  expect(await alarmAt(environment)).toBeGreaterThan(Date.now() + hourMs - 60_000)
  await passTime(environment, hourMs)
  expect(await hubRead.blob(environment, blob.hash)).toBeNull()
})

test('of blobs that no head names the oldest go first when they are more than 64 MiB', async () => {
  const environment = newEnvironment()
  const blobs = await Promise.all(Array.from({ length: 10 }, (_, i) => makeBlob(1_000_000 - i)))
  for (const blob of blobs) {
    await store(environment, blob)
    await passTime(environment, 1)
  }
  const held = await Promise.all(
    blobs.map(async ({ hash }) => (await hubRead.blob(environment, hash)) !== null),
  )
  expect(held).toEqual([false, ...blobs.slice(1).map(() => true)])
}, 30_000)

test('an object of before there were blobs goes on, and takes them', async () => {
  const environment = newEnvironment()
  const { signedHead } = await publish(environment, 1)
  await runInDurableObject(stubOf(environment), (_, { storage }) => {
    storage.sql.exec('DROP TABLE blobs; DROP TABLE blob_parts')
  })
  await evictDurableObject(stubOf(environment))
  await runInDurableObject(stubOf(environment), async (hub: EnvironmentHub) => {
    expect(hub.blob('a'.repeat(64))).toBeNull()
    await hub.alarm()
  })
  expect(await hubPublish.head(environment)).toBe(signedHead)
  const blob = await makeBlob(15)
  await store(environment, blob)
  await publish(environment, 2, { body: bodyOf(blob) })
  expect(await hubRead.blob(environment, blob.hash)).toEqual(blob.bytes)
})

const named = (count: number, letter: string) => ({ hash: letter.repeat(64), count })

interface TestBlob {
  readonly hash: string
  readonly count: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

/** A blob of that many ids; another number gives another blob. */
async function makeBlob(count: number): Promise<TestBlob> {
  const highs = new Uint32Array(count)
  const lows = new Uint32Array(count)
  for (let i = 0; i < count; i++) {
    const { high, low } = fingerprintOf(`user-${i}`)
    highs[i] = high
    lows[i] = low
  }
  const bytes = sealBlob(highs, lows, count)
  return { hash: await sha256Hex(bytes), count, bytes }
}

function bodyOf(...blobs: readonly Pick<TestBlob, 'hash' | 'count'>[]): string {
  const lines = blobs.map(({ hash, count }, i) => {
    const members = { hash, count, added: [], removed: [] }
    const config = { attribute: 'targetingKey', include: [], exclude: [], members }
    return `segment\ts${i}\t${JSON.stringify(config)}`
  })
  return lines.join('\n')
}

async function store(environment: string, { hash, bytes }: TestBlob): Promise<void> {
  expect(await hubPublish.storeBlob(environment, hash, bytes)).toBe('stored')
}

/** The tests cannot move the clock: what is stored grows older instead, and the alarm runs. */
async function passTime(environment: string, byMs: number): Promise<void> {
  await runInDurableObject(stubOf(environment), async (_, { storage }) => {
    storage.sql.exec('UPDATE blobs SET since = since - ?', byMs)
    await storage.setAlarm(Date.now() + 60_000)
  })
  await runDurableObjectAlarm(stubOf(environment))
}

async function alarmAt(environment: string): Promise<number | null> {
  return await runInDurableObject(stubOf(environment), (_, { storage }) => storage.getAlarm())
}

async function readKv(environment: string, hash: string): Promise<Uint8Array | null> {
  const value = await hubEnv.SNAPSHOTS.get(kvNames.blob(environment, hash), 'arrayBuffer')
  return value && new Uint8Array(value)
}

/** Listens at the object's KV binding, which still writes; `before` may fail a write. */
async function recordPuts(environment: string, before: (name: string) => void = () => undefined) {
  const names: string[] = []
  await runInDurableObject(stubOf(environment), (hub: EnvironmentHub) => {
    const open = hub as unknown as { env: HubEnv } // protected, but the fault must be put in somewhere
    const { SNAPSHOTS } = open.env
    const put = async (name: string, value: string) => {
      names.push(name)
      before(name)
      await SNAPSHOTS.put(name, value)
    }
    open.env = { ...open.env, SNAPSHOTS: { put } as unknown as KVNamespace }
  })
  return names
}

/** Deletions land, but are answered by an error. */
async function failDeletes(environment: string) {
  const names: string[] = []
  await runInDurableObject(stubOf(environment), (hub: EnvironmentHub) => {
    const open = hub as unknown as { env: HubEnv } // protected, but the fault must be put in somewhere
    const { SNAPSHOTS } = open.env
    const fail = async (name: string) => {
      await SNAPSHOTS.delete(name)
      names.push(name)
      throw new Error('the connection was lost')
    }
    const put = (name: string, value: string) => SNAPSHOTS.put(name, value)
    open.env = { ...open.env, SNAPSHOTS: { put, delete: fail } as unknown as KVNamespace }
  })
  return names
}
