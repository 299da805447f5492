import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeHeadVerifier, signHead, type Head } from '@halyard/shared/protocol/head.ts'
import type { HubPublishApi, Publication, PublishAnswer } from '@halyard/shared/protocol/hub.ts'
import type { Version } from '@halyard/shared/protocol/version.ts'
import { checkPublication, isBlobLength } from '../../hub/check-publication.ts'
import { judge } from '../../hub/decide.ts'
import type { EnvironmentScope } from '../ports.ts'
import { expectProblem, makeShop, production, shop, useKit } from '../test-kit.ts'
import { compile } from './compile.ts'
import { publish, type PublishDeps } from './publish.ts'
import { selectHistory } from './read-history.ts'

const kit = useKit()
let privateJwk: JWK
let verify: PublishDeps['verify']
let scope: EnvironmentScope
let hub: ReturnType<typeof makeHub>

beforeAll(async () => {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  privateJwk = { ...(await exportJWK(privateKey)), kid: 'one' }
  verify = makeHeadVerifier([{ ...(await exportJWK(publicKey)), kid: 'one' }])
  await makeShop(kit)
  const [row] = await kit.sql<EnvironmentScope>(
    `select org_id as "orgId", id as "environmentId" from environments where key = 'production'`,
  )
  if (!row) throw new Error('the shop has a production')
  scope = row
})
beforeEach(() => {
  hub = makeHub()
})

test('a committed version is published, noted once, and taken out of the outbox', async () => {
  const at = await present()
  expect(await run()).toEqual({ kind: 'published', at })
  expect(hub.held).toMatchObject({ ...at, environment: scope.environmentId, time: kit.clock.nowMs })
  expect(await waiting()).toEqual([])
  const heads = await storedHeads()
  expect(heads).toEqual([
    { version: at.version, snapshot_hash: hub.held?.snapshotHash, access_hash: hub.held?.accessHash },
  ])
})

test('publishing again changes nothing', async () => {
  await run()
  const before = await kit.stored()
  kit.clock.nowMs += 1_000
  expect((await run()).kind).toBe('published')
  expect(await kit.stored()).toEqual(before)
  expect(hub.verdicts).toEqual(['apply', 'unchanged'])
})

test('several waiting versions are published as the last of them', async () => {
  for (let index = 0; index < 3; index++) await toggle()
  expect(await waiting()).toHaveLength(3)
  await run()
  expect(hub.verdicts).toEqual(['apply'])
  expect(await waiting()).toEqual([])
})

test('what is committed while the hub is told stays in the outbox', async () => {
  await toggle()
  hub.beforeJudging = toggle
  const outcome = await run()
  const at = await present()
  expect(outcome).toEqual({ kind: 'published', at: { ...at, version: at.version - 1 } })
  expect(await waiting()).toEqual([at.version])
})

test('a publisher that was overtaken reads again and publishes the newer version', async () => {
  hub.beforeJudging = async () => {
    await toggle()
    await run()
  }
  expect(await run()).toEqual({ kind: 'published', at: await present() })
  expect(hub.verdicts).toEqual(['apply', 'behind', 'unchanged'])
  expect(await isFrozen()).toBe(false)
})

test('a database that went back takes no more writes until its epoch is raised', async () => {
  await run()
  const at = await present()
  await kit.sql('update environments set version = version - 1 where id = $1', [scope.environmentId])
  expect(await run()).toEqual({ kind: 'went_back' })
  expect(hub.verdicts).toEqual(['apply', 'behind', 'behind'])
  expect(await isFrozen()).toBe(true)
  const before = await kit.stored()
  expectProblem(await kit.call('POST', `${production}/flags/checkout/toggle`), 'epoch_required')
  expectProblem(await kit.call('POST', `${shop}/flags`, { body: { key: 'new' } }), 'epoch_required')
  expect(await kit.stored()).toEqual(before)
  await kit.ok('POST', `${shop}/environments/staging/flags/checkout/toggle`)

  await kit.sql('update environments set epoch = 2, epoch_required = false where id = $1', [
    scope.environmentId,
  ])
  const { versions } = await toggle()
  expect(versions.production).toBe(`2.${at.version}`)
  expect(await run()).toEqual({ kind: 'published', at: { epoch: 2, version: at.version } })
})

test('a database that went back and was written to again is found out by the content', async () => {
  await run()
  const flag = `${production}/flags/checkout`
  await kit.sql('update environments set version = version - 1 where id = $1', [scope.environmentId])
  await kit.sql('set session_replication_role = replica')
  await kit.sql(
    'delete from state_history where environment_id = $1 and version > (select version from environments where id = $1)',
    [scope.environmentId],
  )
  await kit.sql('set session_replication_role = origin')
  await kit.ok('PATCH', flag, { body: { offVariant: 'on', enabled: false }, headers: { 'if-match': '*' } })
  expect(await run()).toEqual({ kind: 'went_back' })
  expect(hub.verdicts).toEqual(['apply', 'conflict', 'conflict'])
  await thaw()
})

test('an environment that was written to meanwhile is not frozen', async () => {
  await run()
  await kit.sql('update environments set version = version - 1 where id = $1', [scope.environmentId])
  let calls = 0
  hub.beforeJudging = async () => {
    calls += 1
    if (calls === 2)
      await kit.sql('update environments set version = version + 5 where id = $1', [scope.environmentId])
  }
  expect((await run()).kind).toBe('went_back')
  expect(await isFrozen()).toBe(false)
})

test('what the hub does not trust or cannot read is tried again, and nothing is noted', async () => {
  const before = await kit.stored()
  const other = { ...privateJwk, kid: 'two' }
  await expect(run({ sign: (head) => signHead(head, other) })).rejects.toThrow('bad_signature')
  const cut: HubPublishApi = {
    ...hub.api,
    publish: (id, sent) => hub.api.publish(id, { ...sent, body: `${sent.body} ` }),
  }
  await expect(run({ hub: cut })).rejects.toThrow('bad_content')
  const lost: HubPublishApi = { ...hub.api, publish: () => Promise.reject(new Error('no answer')) }
  await expect(run({ hub: lost })).rejects.toThrow('no answer')
  expect(await kit.stored()).toEqual(before)
})

test('a head that this publisher cannot verify is never taken for a newer one', async () => {
  await run()
  await kit.sql('update environments set version = version - 1 where id = $1', [scope.environmentId])
  await expect(run({ verify: async () => null })).rejects.toThrow('behind')
  expect(await isFrozen()).toBe(false)
  await kit.sql('update environments set version = version + 1 where id = $1', [scope.environmentId])
})

test('the blobs that a snapshot names are given to the hub before its head, and only those it lacks', async () => {
  await kit.ok('POST', `${shop}/segments`, { body: { key: 'vips' } })
  const members = `${production}/segments/vips/members`
  const headers = { 'content-type': 'application/x-ndjson' }
  const { hash } = await kit.ok('PUT', members, { body: '"a"\n"b"', headers })
  const given: string[] = []
  const watched: HubPublishApi = {
    ...hub.api,
    async storeBlob(id, name, bytes) {
      given.push(name)
      return await hub.api.storeBlob(id, name, bytes)
    },
  }
  expect((await run({ hub: watched })).kind).toBe('published')
  expect(hub.blobs.get(hash)).toHaveLength(16)
  await kit.ok('PATCH', members, { body: { add: ['c'] } })
  const second = await kit.ok('PUT', members, { body: '"z"', headers })
  expect((await run({ hub: watched })).kind).toBe('published')
  expect(given).toEqual([hash, second.hash])
})

test('a blob that is not stored, or that the hub refuses, is an error, to be tried again', async () => {
  const before = await kit.stored()
  const refusing: HubPublishApi = { ...hub.api, storeBlob: async () => 'refused' }
  await expect(run({ hub: refusing })).rejects.toThrow('refused blob')
  const forgetful: HubPublishApi = { ...hub.api, storeBlob: async () => 'stored' }
  await expect(run({ hub: forgetful })).rejects.toThrow('lacks blobs')
  const lacking = '0'.repeat(64)
  const asking: HubPublishApi = {
    ...hub.api,
    publish: async () => ({ outcome: 'missing_blobs', hashes: [lacking] }),
  }
  await expect(run({ hub: asking })).rejects.toThrow(`${lacking} of ${scope.environmentId} is not stored`)
  expect(hub.held).toBeNull()
  expect(await kit.stored()).toEqual(before)
})

test('an environment that does not exist is gone', async () => {
  expect(await publish(deps(), { ...scope, environmentId: 'env_none' })).toEqual({ kind: 'gone' })
  const [rival] = await kit.sql<{ id: string }>("select id from organizations where key = 'rival'")
  expect(await publish(deps(), { ...scope, orgId: rival?.id ?? '' })).toEqual({ kind: 'gone' })
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
    const { held } = hub
    if (held) published.set(held.version, held)
  }
  expect(published.size).toBe(changes.length)
  for (const [version, head] of published) {
    const at = { epoch: hub.held?.epoch ?? 0, version }
    const [rows] = await kit.deps.db.read(scope.orgId, (db) => [selectHistory(db, scope, at)])
    expect(head).toMatchObject((await compile(scope.environmentId, at, rows)).head)
  }
})

function run(changes: Partial<PublishDeps> = {}) {
  return publish({ ...deps(), ...changes }, scope)
}

function deps(): PublishDeps {
  return {
    db: kit.deps.db,
    hub: hub.api,
    nowMs: kit.deps.nowMs,
    sign: (head) => signHead(head, privateJwk),
    verify,
  }
}

/** The hub's own checks and decisions, on a head kept in memory. */
function makeHub() {
  let signed: string | null = null
  const made = {
    held: null as Head | null,
    verdicts: [] as string[],
    /** What happens between the publisher's read and the hub's decision. */
    beforeJudging: null as (() => Promise<unknown>) | null,
    blobs: new Map<string, Uint8Array>(),
    api: {
      head: async () => signed,
      async storeBlob(_: string, hash: string, bytes: Uint8Array<ArrayBuffer>) {
        if (!isBlobLength(bytes.length) || (await sha256Hex(bytes)) !== hash) return 'refused'
        made.blobs.set(hash, bytes)
        return 'stored'
      },
      async publish(_: string, publication: Publication): Promise<PublishAnswer> {
        const hook = made.beforeJudging
        if (hook && made.verdicts.length === 0) made.beforeJudging = null
        await hook?.()
        const checked = await checkPublication(publication, verify)
        if (checked.kind === 'refused')
          return { outcome: 'refused', reason: checked.reason, signedHead: null }
        const verdict = judge(made.held, checked.head)
        const hashes = checked.blobs.filter((hash) => !made.blobs.has(hash))
        if (verdict === 'apply' && hashes.length > 0) return { outcome: 'missing_blobs', hashes }
        made.verdicts.push(verdict)
        if (verdict === 'apply') {
          made.held = checked.head
          signed = publication.signedHead
          return { outcome: 'applied', signedHead: publication.signedHead }
        }
        const signedHead = signed ?? ''
        return verdict === 'unchanged'
          ? { outcome: 'unchanged', signedHead }
          : { outcome: 'refused', reason: verdict, signedHead }
      },
    } satisfies HubPublishApi,
  }
  return made
}

const toggle = () => kit.ok('POST', `${production}/flags/checkout/toggle`)

async function present(): Promise<Version> {
  const [row] = await kit.sql<Version>('select epoch, version from environments where id = $1', [
    scope.environmentId,
  ])
  return row ?? { epoch: 0, version: 0 }
}

async function waiting(): Promise<number[]> {
  const rows = await kit.sql<{ version: number }>(
    'select version from outbox where environment_id = $1 order by 1',
    [scope.environmentId],
  )
  return rows.map(({ version }) => version)
}

function storedHeads() {
  return kit.sql('select version, snapshot_hash, access_hash from heads where environment_id = $1', [
    scope.environmentId,
  ])
}

async function isFrozen(): Promise<boolean> {
  const [row] = await kit.sql<{ frozen: boolean }>(
    'select epoch_required as frozen from environments where id = $1',
    [scope.environmentId],
  )
  return row?.frozen ?? false
}

async function thaw(): Promise<void> {
  await kit.sql('update environments set epoch_required = false where id = $1', [scope.environmentId])
}
