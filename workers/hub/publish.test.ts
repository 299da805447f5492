import { evictDurableObject, runInDurableObject } from 'cloudflare:test'
import { exportJWK, generateKeyPair } from 'jose'
import { expect, test, vi } from 'vitest'
import { snapshotSizeMax } from '@halyard/shared/protocol/head.ts'
import { signPublication } from '@halyard/shared/protocol/publication.ts'
import {
  hubPublish,
  hubRead,
  newEnvironment,
  publicationOf,
  publish,
  signingKey,
  stubOf,
  tablesOf,
} from './test-kit.ts'

test('a first publication is applied and can be read back', async () => {
  const environment = newEnvironment()
  const publication = await publicationOf(environment, 1)
  expect(await hubPublish.publish(environment, publication)).toEqual({
    outcome: 'applied',
    signedHead: publication.signedHead,
  })
  expect(await hubPublish.head(environment)).toBe(publication.signedHead)
  expect(await hubRead.read(environment, {})).toEqual({ ...publication, confirmedAt: expect.any(Number) })
})

test('a reader is spared what it holds already', async () => {
  const environment = newEnvironment()
  await publish(environment, 1)
  const first = await publicationOf(environment, 1)
  const { snapshotHash, accessHash } = decodeHead(first.signedHead)
  const answer = await hubRead.read(environment, { snapshotHash, accessHash })
  expect(Object.keys(answer ?? {}).toSorted()).toEqual(['confirmedAt', 'signedHead'])
  expect(await hubRead.read(environment, { snapshotHash })).toHaveProperty('access')
  expect(await hubRead.read(environment, { accessHash })).toHaveProperty('body')
})

test('publishing the same again changes nothing', async () => {
  const environment = newEnvironment()
  const publication = await publish(environment, 1)
  expect(await hubPublish.publish(environment, publication)).toEqual({
    outcome: 'unchanged',
    signedHead: publication.signedHead,
  })
})

test('an older version is refused with the head that is held', async () => {
  const environment = newEnvironment()
  const { signedHead } = await publish(environment, 5)
  expect(await hubPublish.publish(environment, await publicationOf(environment, 4))).toEqual({
    outcome: 'refused',
    reason: 'behind',
    signedHead,
  })
  expect(await hubPublish.head(environment)).toBe(signedHead)
})

test('a version with another content is refused with the head that is held', async () => {
  const environment = newEnvironment()
  const { signedHead, body } = await publish(environment, 5)
  const other = await publicationOf(environment, 5, { body: 'flag\tother\t{}' })
  expect(await hubPublish.publish(environment, other)).toEqual({
    outcome: 'refused',
    reason: 'conflict',
    signedHead,
  })
  expect(await hubRead.read(environment, {})).toMatchObject({ body })
})

test('versions are compared when they are applied: an older one that is checked for longer does not win', async () => {
  const environment = newEnvironment()
  const older = await publicationOf(environment, 1, { body: 'flag\tslow\t{}' })
  const newer = await publicationOf(environment, 2)
  const checksOfNewer = Promise.withResolvers<void>()
  const digest = crypto.subtle.digest.bind(crypto.subtle)
  vi.spyOn(crypto.subtle, 'digest').mockImplementation(async (algorithm, data) => {
    if (new TextDecoder().decode(data) === older.body) await checksOfNewer.promise
    return await digest(algorithm, data)
  })
  const answers = await runInDurableObject(stubOf(environment), async (hub) => {
    const first = hub.publish(older)
    const second = await hub.publish(newer)
    checksOfNewer.resolve()
    return [await first, second]
  })
  vi.restoreAllMocks()
  expect(answers).toMatchObject([{ outcome: 'refused', reason: 'behind' }, { outcome: 'applied' }])
  expect(await hubRead.read(environment, {})).toMatchObject(newer)
})

test('of many publications at once the newest is head, whatever their order', async () => {
  const environment = newEnvironment()
  const order = [3, 7, 1, 8, 2, 6, 5, 4]
  const publications = await Promise.all(order.map((version) => publicationOf(environment, version)))
  const answers = await Promise.all(publications.map((each) => hubPublish.publish(environment, each)))
  const newest = order.indexOf(8)
  expect(answers[newest]).toMatchObject({ outcome: 'applied' })
  expect(await hubPublish.head(environment)).toBe(publications[newest]?.signedHead)
})

test('a head that another key signed is refused', async () => {
  const environment = newEnvironment()
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const stranger = { ...(await exportJWK(privateKey)), kid: signingKey.kid ?? '' }
  const compiled = { environment, epoch: 1, version: 1, clientHash: '', compiler: 1, time: 0, body: '' }
  const access = JSON.stringify({ environment, keys: [] })
  const forged = await signPublication({ ...compiled, access }, stranger)
  expect(await hubPublish.publish(environment, forged)).toEqual({
    outcome: 'refused',
    reason: 'bad_signature',
    signedHead: null,
  })
  expect(await tablesOf(stubOf(environment))).toEqual([])
})

const badContent = { outcome: 'refused', reason: 'bad_content', signedHead: null }

test('a publication of another environment is refused', async () => {
  const environment = newEnvironment()
  expect(await hubPublish.publish(environment, await publicationOf(newEnvironment(), 1))).toEqual(badContent)
  expect(await tablesOf(stubOf(environment))).toEqual([])
})

test('a body or access record that the head does not name is refused', async () => {
  const environment = newEnvironment()
  const publication = await publicationOf(environment, 1, { body: 'flag\ta\t{}' })
  const withBody = { ...publication, body: 'flag\tb\t{}' }
  const withAccess = { ...publication, access: publication.access.replace('[]', '[ ]') }
  expect(await hubPublish.publish(environment, withBody)).toEqual(badContent)
  expect(await hubPublish.publish(environment, withAccess)).toEqual(badContent)
})

test('an access record of another environment is refused', async () => {
  const environment = newEnvironment()
  const access = JSON.stringify({ environment: newEnvironment(), keys: [] })
  expect(await hubPublish.publish(environment, await publicationOf(environment, 1, { access }))).toEqual(
    badContent,
  )
})

test('a body over the limit is refused, also when only its bytes are too many', async () => {
  const environment = newEnvironment()
  const tooLong = await publicationOf(environment, 1, { body: 'x'.repeat(snapshotSizeMax + 1) })
  expect(await hubPublish.publish(environment, tooLong)).toEqual(badContent)
  const tooManyBytes = await publicationOf(environment, 1, { body: 'ü'.repeat(snapshotSizeMax / 2 + 1) })
  expect(await hubPublish.publish(environment, tooManyBytes)).toEqual(badContent)
})

test('a body of the full size comes back as it was, characters across rows included', async () => {
  const environment = newEnvironment()
  // Three bytes a character: no row of 1 MiB ends between two of them.
  const body = '€'.repeat(Math.floor(snapshotSizeMax / 3))
  await publish(environment, 1, { body })
  const answer = await hubRead.read(environment, {})
  expect(answer?.body === body).toBe(true)
  await runInDurableObject(stubOf(environment), (_, { storage }) => {
    const { rows, longest } = storage.sql
      .exec<{ rows: number; longest: number }>(
        'SELECT count(*) AS rows, max(length(bytes)) AS longest FROM content',
      )
      .one()
    expect(rows).toBe(4 + 1)
    expect(longest).toBeLessThanOrEqual(1024 * 1024)
  })
})

test('only the texts of the head are kept', async () => {
  const environment = newEnvironment()
  for (const version of [1, 2, 3]) await publish(environment, version)
  await runInDurableObject(stubOf(environment), (_, { storage }) => {
    expect(storage.sql.exec('SELECT DISTINCT hash FROM content').toArray()).toHaveLength(2)
  })
})

test('reading an environment that was never published answers null and writes nothing', async () => {
  const environment = newEnvironment()
  expect(await hubRead.confirm(environment)).toBeNull()
  expect(await hubRead.read(environment, {})).toBeNull()
  expect(await hubPublish.head(environment)).toBeNull()
  const upgrade = { headers: { Upgrade: 'websocket' } }
  const url = `https://hub/stream?environment=${environment}&class=server&key=key_1`
  expect((await hubRead.fetch(url, upgrade)).status).toBe(404)
  expect(await tablesOf(stubOf(environment))).toEqual([])
  await runInDurableObject(stubOf(environment), async (_, { storage }) => {
    expect(await storage.getAlarm()).toBeNull()
    expect((await storage.list()).size).toBe(0)
  })
})

test('what was published survives the eviction of the object', async () => {
  const environment = newEnvironment()
  const publication = await publish(environment, 3)
  await evictDurableObject(stubOf(environment))
  expect(await hubRead.read(environment, {})).toMatchObject(publication)
  expect(await hubPublish.publish(environment, await publicationOf(environment, 2))).toMatchObject({
    reason: 'behind',
  })
})

function decodeHead(signedHead: string): { snapshotHash: string; accessHash: string } {
  const [, payload = ''] = signedHead.split('.')
  return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
}
