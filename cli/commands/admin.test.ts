import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { usePublication } from '../../workers/control/publication/test-kit.ts'
import { production, shop } from '../../workers/control/test-kit.ts'

const { kit, held, run, toggle, present, isEpochRequired, goBack } = usePublication()

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

const folder = mkdtempSync(join(tmpdir(), 'halyard-admin-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A process of its own, signed in as the owner of the tables: no superuser, and under row security. */
async function admin(
  args: readonly string[],
  variables: Record<string, string> = {},
  cwd = folder,
): Promise<Ended> {
  const env = { ...process.env, MIGRATION_DATABASE_URL: kit.database.ownerUrl, ...variables }
  const argv = [resolve('cli/main.ts'), 'admin', ...args]
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, argv, { env, cwd })) }
  } catch (error) {
    return error as Ended // what execFile rejects with, when the program ended by itself
  }
}

async function ask<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await admin(['--json', ...args])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout) as T // the tests look at what they expect
}

interface Status {
  readonly installation: { readonly frozenSince: string | null; readonly comment: string | null }
  readonly environments: readonly { readonly place: string; readonly environmentId: string }[]
}

const productionOf = ({ environments }: Status) =>
  environments.find(({ place }) => place === 'acme/shop/production')

test('status lists every environment of every tenant, and what is wrong with each', async () => {
  await kit.ok('POST', '/orgs/rival/projects', { body: { key: 'other' }, token: kit.rivalToken })
  await run()
  const at = await present()
  await toggle()
  const status = await ask<Status>('status')
  expect(status.installation).toEqual({ frozenSince: null, comment: null })
  expect(status.environments.map(({ place }) => place)).toEqual([
    'acme/shop/development',
    'acme/shop/production',
    'acme/shop/staging',
    'rival/other/development',
    'rival/other/production',
    'rival/other/staging',
  ])
  expect(productionOf(status)).toMatchObject({
    version: `1.${at.version + 1}`,
    published: { version: `1.${at.version}`, kid: 'one' },
    waiting: 1,
    isEpochRequired: false,
  })
  const { stdout } = await admin(['status'])
  expect(stdout).toMatch(/^The installation publishes\.$/m)
  expect(stdout).toMatch(/^acme\/shop\/production .* 1 waiting, 1 unverified since 2026-\S+Z$/m)
})

test('the switch of the installation stops every environment, says what it stops, and is in every audit', async () => {
  await run()
  const frozen = await admin(['freeze', '--comment', 'a bad day'])
  expect(frozen.stdout).toContain(
    'Keys that are revoked and flags that are switched off from now on go on working',
  )
  expect(await run()).toEqual({ kind: 'frozen' })
  expect((await kit.ok('GET', production)).frozen).toMatchObject({
    comment: 'a bad day',
    scope: 'installation',
  })
  expect((await admin(['freeze', '--comment', 'again'])).stdout).toMatch(/^It is frozen since /)
  expect((await ask<Status>('status')).installation).toMatchObject({ comment: 'a bad day' })
  expect((await admin(['status'])).stdout).toMatch(/^The installation is FROZEN since .*: a bad day$/m)
  expect((await admin(['unfreeze', '--comment', 'over'])).stdout).toContain('within a minute')
  expect((await run()).kind).toBe('published')
  for (const [org, token] of [
    ['acme', kit.token],
    ['rival', kit.rivalToken],
  ]) {
    const { items } = await kit.ok('GET', `/orgs/${org}/audit?limit=2`, { token })
    expect(items).toMatchObject([
      { actor: 'system', action: 'installation.unfreeze', comment: 'over' },
      { actor: 'system', action: 'installation.freeze', comment: 'a bad day' },
    ])
  }
})

test('a switch that was turned and not noted everywhere is noted by the next call, once', async () => {
  await kit.sql("update installation set frozen_at = now(), frozen_comment = 'then it was killed'")
  const installation = async (token: string, org: string) => {
    const { items } = await kit.ok('GET', `/orgs/${org}/audit?limit=100`, { token })
    return items.filter(({ resource }: { resource: string }) => resource === 'installation').slice(0, 2)
  }
  for (let times = 0; times < 2; times++) expect((await admin(['freeze', '--comment', 'again'])).code).toBe(0) // oxlint-disable-line no-await-in-loop -- one after the other
  for (const [token, org] of [
    [kit.token, 'acme'],
    [kit.rivalToken, 'rival'],
  ] as const)
    expect(await installation(token, org)).toMatchObject([
      { action: 'installation.freeze', comment: 'then it was killed' },
      { action: 'installation.unfreeze' },
    ])
  await kit.sql('update installation set frozen_at = null, frozen_comment = null')
  for (let times = 0; times < 2; times++)
    expect((await admin(['unfreeze', '--comment', 'over'])).code).toBe(0) // oxlint-disable-line no-await-in-loop -- the same
  expect(await installation(kit.token, 'acme')).toMatchObject([
    { action: 'installation.unfreeze', comment: 'over' },
    { action: 'installation.freeze' },
  ])
})

test('a switch that is not there is not said to be turned', async () => {
  await kit.sql('delete from installation')
  for (const command of ['freeze', 'unfreeze']) {
    const ended = await admin([command, '--comment', 'c']) // oxlint-disable-line no-await-in-loop -- one after the other
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toContain('the table installation has no row')
  }
  await kit.sql('insert into installation default values')
})

test('what was raised before another could not be is told', async () => {
  await kit.sql(`create function fail() returns trigger language plpgsql as $$ begin raise 'no more'; end $$`)
  await kit.sql(
    `create trigger fail before update of version on environments for each row when (old.key = 'staging') execute function fail()`,
  )
  const args = ['republish', '--all', '--comment', 'c']
  const [text, json] = [await admin(args), await admin([...args, '--json'])]
  await kit.sql('drop function fail cascade')
  expect(text.code).not.toBe(0)
  expect(text.stdout).toMatch(/^acme\/shop\/development: .*\nacme\/shop\/production: [^\n]*\n$/)
  expect(json.code).not.toBe(0)
  expect(JSON.parse(json.stdout)).toMatchObject([
    { place: 'acme/shop/development' },
    { place: 'acme/shop/production' },
  ])
})

test('beside a local stack its own database is taken, and said to be', async () => {
  const stack = join(folder, 'project')
  const state = join(stack, '.halyard')
  mkdirSync(join(state, 'postgres'), { recursive: true })
  const owner = new URL(kit.database.ownerUrl)
  writeFileSync(join(state, 'secrets.json'), JSON.stringify({ ownerPassword: owner.password }))
  const write = (url: string) => writeFileSync(join(state, 'control.env'), `DATABASE_URL='${url}'\n`)
  write(kit.database.appUrl)
  const none = { MIGRATION_DATABASE_URL: '', DATABASE_URL: '' }
  const found = await admin(['status'], none, stack)
  expect(found).toMatchObject({ code: 0, stderr: expect.stringContaining('this is the local stack') })
  expect(found.stdout).toContain('acme/shop/production')
  write(kit.database.appUrl.replace('127.0.0.1', 'db.example.com'))
  expect(await admin(['status'], none, stack)).toMatchObject({ code: 2, stdout: '' })
  write(kit.database.appUrl)
  rmSync(join(state, 'postgres'), { recursive: true })
  expect(await admin(['status'], none, stack)).toMatchObject({ code: 2, stdout: '' })
})

test('raising the epoch after the database went back lets writes and publication go on', async () => {
  await toggle()
  await run()
  const at = await present()
  await goBack()
  expect((await run()).kind).toBe('went_back')
  const status = await ask<Status>('status')
  expect(productionOf(status)).toMatchObject({ isEpochRequired: true })
  expect((await admin(['status'])).stdout).toContain('EPOCH REQUIRED: writes are refused')
  const { environmentId } = held.scope
  expect((await admin(['republish', '--all', '--comment', 'c'])).code).toBe(3)
  const raised = await ask('epoch', '--environment', environmentId, '--comment', 'restored')
  expect(raised).toEqual([
    {
      place: 'acme/shop/production',
      environmentId,
      from: `1.${at.version - 1}`,
      to: `2.${at.version}`,
    },
  ])
  expect(await isEpochRequired()).toBe(false)
  expect(await run()).toEqual({ kind: 'published', at: { epoch: 2, version: at.version } })
  await toggle()
  expect((await run()).kind).toBe('published')
  const { items } = await kit.ok('GET', '/orgs/acme/audit?limit=2')
  expect(items[1]).toMatchObject({
    action: 'environment.epoch',
    actor: 'system',
    comment: 'restored',
    versions: { production: `2.${at.version}` },
  })
})

test('every epoch is raised with --all, and none without a choice or for an id that is not there', async () => {
  const before = await kit.stored()
  expect(await admin(['epoch', '--comment', 'c'])).toMatchObject({ code: 2, stdout: '' })
  expect(await admin(['epoch', '--all', '--environment', 'env_x', '--comment', 'c'])).toMatchObject({
    code: 2,
  })
  expect((await admin(['epoch', '--environment', 'env_x', '--comment', 'c'])).stderr).toContain(
    'there is no environment env_x',
  )
  expect((await admin(['epoch', '--all'])).stderr).toContain('--comment')
  expect(await kit.stored()).toEqual(before)
  expect(await ask('epoch', '--all', '--comment', 'all of it')).toHaveLength(6)
})

test('republish raises what another key signed last, and nothing that is up to date', async () => {
  await run()
  const at = await present()
  expect(await ask('republish', '--comment', 'c')).toEqual([])
  expect(await ask('republish', '--kid', 'one', '--comment', 'c')).toEqual([])
  const raised = await ask('republish', '--kid', 'two', '--comment', 'a new key')
  expect(raised).toMatchObject([{ place: 'acme/shop/production', to: `${at.epoch}.${at.version + 1}` }])
  expect((await run()).kind).toBe('published')
})

test('verify compiles what was published again, and fails if history says otherwise', async () => {
  await toggle()
  await run()
  const [first] = await ask<{ outcome: string }[]>('verify', '--environment', held.scope.environmentId)
  expect(first).toMatchObject({ outcome: 'same' })
  await kit.sql("update heads set snapshot_hash = 'x' where version = (select max(version) from heads)")
  const failed = await admin(['verify'])
  expect(failed).toMatchObject({ code: 1 })
  expect(failed.stdout).toContain('DIFFERS: snapshotHash')
})

test('a signing key is made with what goes where, and the public half holds no secret', async () => {
  const made = await ask<{
    kid: string
    signingKey: { d?: string }
    trustedKey: { d?: string; kid: string }
  }>('signing-key')
  expect(made.signingKey.d).toBeTypeOf('string')
  expect(made.trustedKey).toMatchObject({ kid: made.kid, crv: 'Ed25519' })
  expect(made.trustedKey.d).toBeUndefined()
  expect((await admin(['signing-key'])).stdout).toContain('TRUSTED_KEYS of hub, edge and control')
})

test('without a database, or with one that does not answer, it says which setting is wrong', async () => {
  const none = await admin(['status'], { MIGRATION_DATABASE_URL: '', DATABASE_URL: '' })
  expect(none).toMatchObject({ code: 2, stdout: '' })
  expect(none.stderr).toContain('MIGRATION_DATABASE_URL')
  const dead = await admin(['status'], { MIGRATION_DATABASE_URL: 'postgresql://a:b@127.0.0.1:1/c' })
  expect(dead.code).toBe(1)
  expect(dead.stderr).toContain('No Postgres answers at 127.0.0.1:1')
  expect((await admin(['status'], { MIGRATION_DATABASE_URL: 'nonsense' })).stderr).toContain(
    'MIGRATION_DATABASE_URL is not a connection string',
  )
  await kit.ok('GET', shop)
})
