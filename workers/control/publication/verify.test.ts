import { expect, test, vi } from 'vitest'
import { formatVersion } from '@halyard/shared/protocol/version.ts'
import { production } from '../test-kit.ts'
import type { Database } from '../store/database.ts'
import { compilerVersion } from './compile.ts'
import { openPublicationStore } from './publication-store.ts'
import { usePublication } from './test-kit.ts'
import { verifyHeads, verifyWaiting } from './verify.ts'

const { kit, held, run, toggle, present } = usePublication()
const nowMs = () => kit.clock.nowMs

/** Publishes a new version, and gives its token; all heads before it are settled. */
async function publishNext(): Promise<string> {
  await kit.sql('update heads set verified_at = now()')
  await toggle()
  await run()
  return formatVersion(await present())
}

const verify = () => verifyHeads(kit.deps.db, { nowMs })
const outcomes = async () => (await verify()).map(({ token, outcome }) => [token, outcome])
const setHead = (set: string) =>
  kit.sql(`update heads set ${set}, verified_at = null where version = (select max(version) from heads)`)

test('a published version is compiled again from history, once, and the outcome is noted', async () => {
  const token = await publishNext()
  expect(await verify()).toEqual([{ ...held.scope, token, outcome: 'same' }])
  expect(await verify()).toEqual([])
  const { verification, head } = await kit.ok('GET', `${production}/versions/${token}`)
  expect(verification).toEqual({ verifiedAt: new Date(nowMs()).toISOString(), outcome: 'same' })
  expect(head).toMatchObject({ compiler: compilerVersion, kid: 'one' })
})

test('what is published while others commit is what history says of that version', async () => {
  await kit.sql('update heads set verified_at = now()')
  // Whoever reads in more than one transaction meets a change in between.
  const db: Database = {
    ...kit.deps.db,
    async read(orgId, queries) {
      const rows = await kit.deps.db.read(orgId, queries)
      await toggle()
      return rows
    },
  }
  for (let index = 0; index < 3; index++) {
    await toggle()
    expect(await run({ store: openPublicationStore({ ...kit.deps, db }) })).toMatchObject({
      kind: 'published',
    })
  }
  const found = await outcomes()
  expect(found).toHaveLength(3)
  expect(found.map(([, outcome]) => outcome)).toEqual(['same', 'same', 'same'])
})

test.for(['snapshot_hash', 'access_hash', 'client_hash'])(
  'another %s than that of history is found, noted and told',
  async (column) => {
    const token = await publishNext()
    await setHead(`${column} = repeat('0', 64)`)
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    await verifyWaiting(kit.deps.db, nowMs)
    const name = column.replace('_hash', 'Hash')
    const event = { event: 'verification_failed', ...held.scope, token, detail: name }
    expect(log.mock.calls.map(([text]) => JSON.parse(String(text)))).toEqual([event])
    log.mockRestore()
    const { verification } = await kit.ok('GET', `${production}/versions/${token}`)
    expect(verification.outcome).toBe('differs')
  },
)

test('a head that was never committed differs', async () => {
  const token = await publishNext()
  await setHead('version = version + 1000')
  expect(await outcomes()).toEqual([[token.replace(/\d+$/, (n) => String(Number(n) + 1000)), 'differs']])
  await setHead('version = version - 1000')
  await outcomes()
})

test('of another compiler the decisions on sample contexts are compared', async () => {
  const token = await publishNext()
  const old = `compiler = ${compilerVersion - 1}, snapshot_hash = 'x'`
  await setHead(old)
  expect(await outcomes()).toEqual([[token, 'same_decisions']])
  const [head] = await kit.sql<{ hash: string }>(
    'select sample_hash as hash from heads where version = (select max(version) from heads)',
  )
  await setHead(`sample_hash = '${head?.hash.replace(/.$/, 'x')}'`)
  expect(await outcomes()).toEqual([[token, 'differs']])
  // Made from other samples, or before there were any: nothing can be said.
  for (const hash of [`'0-${head?.hash}'`, 'null']) {
    await setHead(`sample_hash = ${hash}`)
    expect(await outcomes()).toEqual([[token, 'unknown']])
    const { verification } = await kit.ok('GET', `${production}/versions/${token}`)
    expect(verification.outcome).toBe('unknown')
  }
  await setHead(`compiler = ${compilerVersion}`)
})

test('the oldest unverified head comes first, and the present one comes again after a day', async () => {
  await kit.sql("update heads set verified_at = now() - interval '2 days'")
  await toggle()
  await run()
  const newest = formatVersion(await present())
  await kit.sql(
    'update heads set verified_at = null where version in (select version from heads order by 1 limit 2)',
  )
  const [first] = await verifyHeads(kit.deps.db, { nowMs, most: 1 })
  const [low] = await kit.sql<{ version: number }>('select min(version) as version from heads')
  expect(first?.token).toBe(`1.${low?.version}`)
  expect((await verify()).map(({ token }) => token)).toContain(newest)
  await kit.sql("update heads set verified_at = now() - interval '2 days'")
  expect((await verify()).map(({ token }) => token)).toEqual([newest])
  expect(await verify()).toEqual([])
})

test('one that cannot be verified is told, waits behind the others, and is tried again', async () => {
  const broken = await publishNext()
  await toggle()
  await run()
  const whole = formatVersion(await present())
  await kit.sql(`update heads set verified_at = null where version = ${broken.split('.')[1]}`)
  const db: Database = {
    ...kit.deps.db,
    async read(orgId, queries) {
      const rows = await kit.deps.db.read(orgId, queries)
      if ((rows as { version?: number }[][])[0]?.[0]?.version === Number(broken.split('.')[1]))
        throw new Error('too much')
      return rows
    },
  }
  const log = vi.spyOn(console, 'error').mockImplementation(() => {})
  await verifyWaiting(db, nowMs)
  expect(log.mock.calls.map(([text]) => JSON.parse(String(text)))).toEqual([
    { event: 'verification_not_done', ...held.scope, token: broken, detail: 'Error: too much' },
  ])
  log.mockRestore()
  await setHead('size = size')
  expect(await outcomes()).toEqual([
    [whole, 'same'],
    [broken, 'same'],
  ])
})

test('a run ends with its time, and however many wait the present head has its turn', async () => {
  await publishNext()
  await kit.sql("update heads set verified_at = now() - interval '2 days'")
  const newest = formatVersion(await present())
  const unverify = 'version in (select version from heads order by version limit $1)'
  await kit.sql(`update heads set verified_at = null where ${unverify}`, [6])
  const places = await kit.deps.db.headsToVerify(5)
  expect(places.map(({ epoch, version }) => formatVersion({ epoch, version })).indexOf(newest)).toBe(3)
  let time = nowMs()
  const passing = () => (time += 10_000)
  expect(await verifyHeads(kit.deps.db, { nowMs: passing, forMs: 25_000 })).toHaveLength(1)
  expect(await verify()).toHaveLength(6)
})

test('all versions of one environment are verified on request', async () => {
  const [heads] = await kit.sql<{ n: number }>('select count(*)::int as n from heads')
  const verified = await verifyHeads(kit.deps.db, { nowMs, scope: held.scope })
  expect(verified).toHaveLength(heads?.n ?? 0)
  const [org] = await kit.sql<{ id: string }>("select id from organizations where key = 'rival'")
  expect(await verifyHeads(kit.deps.db, { nowMs, scope: { ...held.scope, orgId: org?.id ?? '' } })).toEqual(
    [],
  )
})
