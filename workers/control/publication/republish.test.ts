import { expect, test } from 'vitest'
import { firstBrokenEntry } from '../audit-chain.ts'
import { production } from '../test-kit.ts'
import { compilerVersion } from './compile.ts'
import { nextCompiler, usePublication } from './test-kit.ts'

const { kit, held, run, toggle, present, isEpochRequired, waiting } = usePublication()

test('what a new compiler makes of a published version is published as the next one, by the system', async () => {
  await run()
  const before = await present()
  const next = { ...before, version: before.version + 1 }
  expect(await run({ compile: nextCompiler })).toEqual({ kind: 'published', at: next })
  expect(held.hub.held).toMatchObject({ ...next, compiler: compilerVersion + 1 })
  expect(await isEpochRequired()).toBe(false)
  expect(await waiting()).toEqual([])
  const { items } = await kit.ok('GET', '/orgs/acme/audit?limit=1')
  expect(items[0]).toMatchObject({
    actor: 'system',
    action: 'environment.republish',
    resource: 'environment/production',
    project: 'shop',
    environment: 'production',
    versions: { production: `${next.epoch}.${next.version}` },
    comment: `compiler ${compilerVersion + 1} gives another snapshot than compiler ${compilerVersion} did`,
  })
  const chain = await kit.ok('GET', '/orgs/acme/audit?limit=100')
  const entries = chain.items.map((entry: { time: string }) => ({
    ...entry,
    orgId: held.scope.orgId,
    time: new Date(entry.time),
  }))
  expect(await firstBrokenEntry(entries.toSorted(bySequence))).toBeNull()
})

test('two publishers that meet a new compiler at once raise the version once', async () => {
  await run()
  const { version } = await present()
  await Promise.all([run({ compile: nextCompiler }), run({ compile: nextCompiler })])
  expect((await present()).version).toBe(version + 1)
  expect(held.hub.held?.version).toBe(version + 1)
})

test('a change that comes between takes the place of the system change', async () => {
  await run()
  const { version } = await present()
  let asked = 0
  held.hub.beforeEach = async () => {
    asked += 1
    if (asked === 1) await toggle()
  }
  await run({ compile: nextCompiler })
  expect((await present()).version).toBe(version + 1)
  expect(held.hub.held?.version).toBe(version + 1)
  const { items } = await kit.ok('GET', '/orgs/acme/audit?limit=1')
  expect(items[0].resource).toBe('flag/checkout')
})

test('a publisher that others overtake again and again never takes the database for restored', async () => {
  await run()
  held.hub.beforeEach = async (held) => {
    if (held.verdicts.filter((verdict) => verdict === 'behind').length >= 3) return
    await toggle()
    const { beforeEach } = held
    held.beforeEach = null
    await run()
    held.beforeEach = beforeEach
  }
  expect((await run()).kind).toBe('published')
  expect(held.hub.verdicts.filter((verdict) => verdict === 'behind')).toHaveLength(3)
  expect(await isEpochRequired()).toBe(false)
})

test('a new compiler does not publish what waits for its epoch', async () => {
  await run()
  await kit.sql('update environments set epoch_required = true where id = $1', [held.scope.environmentId])
  const before = await kit.stored()
  expect(await run({ compile: nextCompiler })).toEqual({ kind: 'went_back' })
  expect(await kit.stored()).toEqual(before)
  expect(held.hub.verdicts).toEqual(['apply'])
  await kit.sql('update environments set epoch_required = false where id = $1', [held.scope.environmentId])
  await kit.ok('GET', production)
})

function bySequence(a: { sequence: number }, b: { sequence: number }): number {
  return a.sequence - b.sequence
}
