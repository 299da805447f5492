import { expect, test } from 'vitest'
import { signHead, type Head } from '@halyard/shared/protocol/head.ts'
import { raiseEnvironment } from '../usecases/system-change.ts'
import { expectProblem, production, shop } from '../test-kit.ts'
import { compile } from './compile.ts'
import { hubInTime } from './hub-in-time.ts'
import { publish, type PublishDeps } from './publish.ts'
import { selectHistory } from './read-history.ts'
import { nextCompiler, usePublication } from './test-kit.ts'

const { kit, held, deps, run, toggle, present, isEpochRequired, waiting, goBack } = usePublication()
const flag = `${production}/flags/checkout`
const raise = () =>
  raiseEnvironment(kit.deps, held.scope, { action: 'environment.epoch', comment: 'restored' })

test('a committed version is published, noted once, and taken out of the outbox', async () => {
  const at = await present()
  expect(await run()).toEqual({ kind: 'published', at })
  expect(held.hub.held).toMatchObject({ ...at, environment: held.scope.environmentId, time: kit.clock.nowMs })
  expect(await waiting()).toEqual([])
  const heads = await storedHeads()
  expect(heads).toEqual([
    {
      version: at.version,
      kid: 'one',
      sample_hash: expect.stringMatching(/^[a-z0-9]+-[0-9a-f]{64}$/),
      snapshot_hash: held.hub.held?.snapshotHash,
      access_hash: held.hub.held?.accessHash,
    },
  ])
})

test('publishing again changes nothing', async () => {
  await run()
  const before = await kit.stored()
  kit.clock.nowMs += 1_000
  expect((await run()).kind).toBe('published')
  expect(await kit.stored()).toEqual(before)
  expect(held.hub.verdicts).toEqual(['apply', 'unchanged'])
})

test('several waiting versions are published as the last of them', async () => {
  for (let index = 0; index < 3; index++) await toggle()
  expect(await waiting()).toHaveLength(3)
  await run()
  expect(held.hub.verdicts).toEqual(['apply'])
  expect(await waiting()).toEqual([])
})

test('what is committed while the hub is told stays in the outbox', async () => {
  await toggle()
  held.hub.beforeJudging = toggle
  const outcome = await run()
  const at = await present()
  expect(outcome).toEqual({ kind: 'published', at: { ...at, version: at.version - 1 } })
  expect(await waiting()).toEqual([at.version])
})

test('a publisher that was overtaken reads again and publishes the newer version', async () => {
  held.hub.beforeJudging = async () => {
    await toggle()
    await run()
  }
  expect(await run()).toEqual({ kind: 'published', at: await present() })
  expect(held.hub.verdicts).toEqual(['apply', 'behind', 'unchanged'])
  expect(await isEpochRequired()).toBe(false)
})

test('a database that went back takes no more writes until its epoch is raised', async () => {
  await run()
  const at = await present()
  await goBack()
  expect(await run()).toEqual({ kind: 'went_back' })
  expect(held.hub.verdicts).toEqual(['apply', 'behind'])
  expect(await isEpochRequired()).toBe(true)
  const before = await kit.stored()
  expectProblem(await kit.call('POST', `${production}/flags/checkout/toggle`), 'epoch_required')
  expectProblem(await kit.call('POST', `${shop}/flags`, { body: { key: 'new' } }), 'epoch_required')
  expect(await kit.stored()).toEqual(before)
  await kit.ok('POST', `${shop}/environments/staging/flags/checkout/toggle`)

  const raised = { epoch: 2, version: at.version }
  expect(await raise()).toEqual(raised)
  expect(await run()).toEqual({ kind: 'published', at: raised })
  expect((await toggle()).versions.production).toBe(`2.${at.version + 1}`)
})

test('a database from before earlier raises is raised above all of them at once', async () => {
  await run()
  const { epoch: old } = await present()
  for (let times = 1; times <= 3; times++) expect((await raise())?.epoch).toBe(old + times)
  await run()
  await kit.sql('update environments set epoch = $1 where id = $2', [old, held.scope.environmentId])
  expect((await run()).kind).toBe('went_back')
  expect((await raise())?.epoch).toBe(old + 4)
  expect((await run()).kind).toBe('published')
})

test('a database that went back and was written to again is found out by the content', async () => {
  await run()
  await goBack()
  await kit.ok('PATCH', flag, { body: { offVariant: 'on', enabled: false }, headers: { 'if-match': '*' } })
  expect(await run()).toEqual({ kind: 'went_back' })
  expect(held.hub.verdicts).toEqual(['apply', 'conflict'])
  await raise()
})

test('a database that went back is found out though writes lift it past the hub meanwhile', async () => {
  await run()
  await goBack()
  held.hub.beforeJudging = async () => {
    await kit.ok('POST', `${shop}/flags`, { body: { key: 'after-the-restore' } })
    await toggle()
  }
  expect(await run()).toEqual({ kind: 'went_back' })
  expect(await isEpochRequired()).toBe(true)
  await raise()
})

test('a database that went back is found out by another compiler too', async () => {
  await run()
  await goBack()
  kit.clock.nowMs += 600_000
  await toggle()
  expect(await run({ compile: nextCompiler })).toEqual({ kind: 'went_back' })
  expect(await isEpochRequired()).toBe(true)
  await raise()
})

test('what the hub took and nobody lived to note is no sign of a restore, whatever compiler comes next', async () => {
  const dying = { ...deps().store, confirm: () => Promise.reject(new Error('killed')) }
  held.hub.beforeJudging = async () => {
    await toggle()
    await expect(run({ store: dying })).rejects.toThrow('killed')
  }
  expect((await run()).kind).toBe('published')
  expect(held.hub.verdicts).toEqual(['apply', 'behind', 'unchanged'])
  await toggle()
  await expect(run({ store: dying })).rejects.toThrow('killed')
  kit.clock.nowMs += 600_000
  const { epoch, version } = await present()
  const next = { epoch, version: version + 1 }
  expect(await run({ compile: nextCompiler })).toEqual({ kind: 'published', at: next })
})

test('an environment whose epoch was raised meanwhile is not stopped', async () => {
  await run()
  await goBack()
  const { store } = deps()
  const slow = {
    ...store,
    requireEpoch: async (...args: Parameters<typeof store.requireEpoch>) => {
      await raise()
      await store.requireEpoch(...args)
    },
  }
  expect(await run({ store: slow })).toEqual({ kind: 'went_back' })
  expect(await isEpochRequired()).toBe(false)
  expect((await run()).kind).toBe('published')
})

test('what the hub does not trust or cannot read is tried again, and nothing is noted', async () => {
  const before = await kit.stored()
  const other = { ...held.privateJwk, kid: 'two' }
  await expect(run({ sign: (head) => signHead(head, other) })).rejects.toThrow('bad_signature')
  const cut: PublishDeps['hub'] = {
    ...held.hub.api,
    publish: (id, sent) => held.hub.api.publish(id, { ...sent, body: `${sent.body} ` }),
  }
  await expect(run({ hub: cut })).rejects.toThrow('bad_content')
  const lost: PublishDeps['hub'] = { ...held.hub.api, publish: () => Promise.reject(new Error('no answer')) }
  await expect(run({ hub: lost })).rejects.toThrow('no answer')
  expect(await kit.stored()).toEqual(before)
})

test('a head that this publisher cannot verify is never taken for a newer one', async () => {
  await run()
  await kit.sql('update environments set version = version - 1 where id = $1', [held.scope.environmentId])
  await expect(run({ verify: async () => null })).rejects.toThrow('behind')
  expect(await isEpochRequired()).toBe(false)
  await kit.sql('update environments set version = version + 1 where id = $1', [held.scope.environmentId])
})

test('the blobs that a snapshot names are given to the hub before its head, and only those it lacks', async () => {
  await kit.ok('POST', `${shop}/segments`, { body: { key: 'vips' } })
  const members = `${production}/segments/vips/members`
  const headers = { 'content-type': 'application/x-ndjson' }
  const { hash } = await kit.ok('PUT', members, { body: '"a"\n"b"', headers })
  const given: string[] = []
  const watched: PublishDeps['hub'] = {
    ...held.hub.api,
    async storeBlob(id, name, bytes) {
      given.push(name)
      return await held.hub.api.storeBlob(id, name, bytes)
    },
  }
  expect((await run({ hub: watched })).kind).toBe('published')
  expect(held.hub.blobs.get(hash)).toHaveLength(16)
  await kit.ok('PATCH', members, { body: { add: ['c'] } })
  const second = await kit.ok('PUT', members, { body: '"z"', headers })
  expect((await run({ hub: watched })).kind).toBe('published')
  expect(given).toEqual([hash, second.hash])
})

test('a blob that is not stored, or that the hub refuses, is an error, to be tried again', async () => {
  const before = await kit.stored()
  const refusing: PublishDeps['hub'] = { ...held.hub.api, storeBlob: async () => 'refused' }
  await expect(run({ hub: refusing })).rejects.toThrow('refused blob')
  const forgetful: PublishDeps['hub'] = { ...held.hub.api, storeBlob: async () => 'stored' }
  await expect(run({ hub: forgetful })).rejects.toThrow('lacks blobs')
  const lacking = '0'.repeat(64)
  const asking: PublishDeps['hub'] = {
    ...held.hub.api,
    publish: async () => ({ outcome: 'missing_blobs', hashes: [lacking] }),
  }
  await expect(run({ hub: asking })).rejects.toThrow(
    `${lacking} of ${held.scope.environmentId} is not stored`,
  )
  expect(held.hub.held).toBeNull()
  expect(await kit.stored()).toEqual(before)
})

test('a hub that never answers ends the try, and the next one publishes', async () => {
  const silent = hubInTime({ publish: () => new Promise(() => {}), storeBlob: async () => 'stored' }, 10)
  await expect(run({ hub: silent })).rejects.toThrow('publishing at the hub took more than 10 ms')
  const asking: PublishDeps['hub'] = {
    publish: async () => ({ outcome: 'missing_blobs', hashes: ['x'] }),
    storeBlob: () => new Promise(() => {}),
  }
  const store = { ...deps().store, readBlob: async () => new Uint8Array() }
  await expect(run({ store, hub: hubInTime(asking, 10) })).rejects.toThrow('a blob for the hub took')
  expect((await run({ hub: hubInTime(held.hub.api) })).kind).toBe('published')
})

test('an environment that does not exist is gone', async () => {
  expect(await publish(deps(), { ...held.scope, environmentId: 'env_none' })).toEqual({ kind: 'gone' })
  const [rival] = await kit.sql<{ id: string }>("select id from organizations where key = 'rival'")
  expect(await publish(deps(), { ...held.scope, orgId: rival?.id ?? '' })).toEqual({ kind: 'gone' })
})

test('any version can be compiled again from history, with the bytes it had', async () => {
  const published = new Map<number, Pick<Head, 'snapshotHash' | 'accessHash' | 'clientHash'>>()
  const changes = [
    () => toggle(),
    () => kit.ok('POST', `${shop}/flags`, { body: { key: 'late', clientVisible: true } }),
    () => kit.ok('POST', `${shop}/keys`, { body: { class: 'server', environment: 'production', name: 'k' } }),
    () => kit.ok('DELETE', `${shop}/flags/banner`),
    async () => {
      const { items } = await kit.ok('GET', `${shop}/keys`)
      await kit.ok('DELETE', `${shop}/keys/${items[0].id}`)
    },
    () => kit.ok('POST', `${shop}/flags/banner/restore`),
  ]
  for (const change of changes) {
    await change()
    await run()
    const head = held.hub.held
    if (head) published.set(head.version, head)
  }
  expect(published.size).toBe(changes.length)
  for (const [version, head] of published) {
    const at = { epoch: held.hub.held?.epoch ?? 0, version }
    const [rows] = await kit.deps.db.read(held.scope.orgId, (db) => [selectHistory(db, held.scope, at)])
    expect(head).toMatchObject((await compile(held.scope.environmentId, at, rows)).head)
  }
})

function storedHeads() {
  return kit.sql(
    'select version, kid, sample_hash, snapshot_hash, access_hash from heads where environment_id = $1',
    [held.scope.environmentId],
  )
}
