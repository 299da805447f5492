import { beforeAll, beforeEach, expect, test } from 'vitest'
import type { Publishers } from '../ports.ts'
import { expectProblem, makeShop, production, shop, useKit, type CallOptions } from '../test-kit.ts'

const kit = useKit()
const ifMatch = { 'if-match': '*' }
const environmentKeys = ['development', 'production', 'staging']
let token: string

beforeAll(async () => {
  await makeShop(kit)
  token = await kit.makeToken({ project: 'shop', environment: 'production' })
})
beforeEach(() => kit.told.splice(0))

interface Write {
  readonly title: string
  readonly request: () => Parameters<typeof kit.call> | Promise<Parameters<typeof kit.call>>
  /** The environments of which readers see a difference. */
  readonly raises: readonly string[]
  /** Rows of history in each of them. */
  readonly objects?: number
  readonly audits?: number
}

const patch = (path: string, body: object, options: CallOptions = {}) =>
  ['PATCH', path, { body, headers: ifMatch, ...options }] as const
const rules = [{ when: { attribute: 'country', op: 'eq', value: 'FR' }, serve: { variant: 'on' } }]

const beta = `${shop}/segments/beta`
const experiments = `${shop}/layers/experiments`
const expiring = { expiresAt: 1e12, owner: 'o', temporary: true }
const slots = [{ name: 'a', from: 0, to: 9 }]
const sets: [string, () => Parameters<typeof kit.call>, readonly string[]][] = [
  ['an expiry that changes nothing', () => [...patch(`${shop}/flags/checkout`, expiring)], []],
  [
    'an expiry that gives a variant',
    () => [...patch(`${shop}/flags/checkout`, { onExpiry: { variant: 'off' } })],
    environmentKeys,
  ],
  ['a segment', () => ['POST', `${shop}/segments`, { body: { key: 'beta' } }], environmentKeys],
  ['a name of a segment', () => [...patch(beta, { name: 'n', tags: ['t'] })], []],
  ['its state', () => [...patch(`${production}/segments/beta`, { include: ['u'] })], ['production']],
  [
    'both in one',
    () => [...patch('/segments/beta', { name: 'm', exclude: ['u'] }, { token })],
    ['production'],
  ],
  ['archiving a segment', () => ['DELETE', beta], environmentKeys],
  ['restoring a segment', () => ['POST', `${beta}/restore`], environmentKeys],
  ['a layer', () => ['POST', `${shop}/layers`, { body: { key: 'experiments' } }], environmentKeys],
  ['a name of a layer', () => [...patch(experiments, { name: 'n' })], []],
  ['slots of a layer', () => [...patch(experiments, { slots })], environmentKeys],
]

const writes: Write[] = [
  {
    title: 'a new flag',
    request: () => ['POST', `${shop}/flags`, { body: { key: 'new' } }],
    raises: environmentKeys,
  },
  {
    title: 'an import of three flags',
    request: () => [
      'POST',
      `${shop}/flags/import`,
      { body: { flags: [{ key: 'i1' }, { key: 'i2' }, { key: 'i3' }] } },
    ],
    raises: environmentKeys,
    objects: 3,
    audits: 3,
  },
  {
    title: 'a new name',
    request: () => [
      ...patch(`${shop}/flags/checkout`, { name: 'n', description: 'd', tags: ['t'], kind: 'operational' }),
    ],
    raises: [],
  },
  {
    title: 'a new visibility',
    request: () => [...patch(`${shop}/flags/checkout`, { clientVisible: false })],
    raises: environmentKeys,
  },
  {
    title: 'a new value of a variant',
    request: () => [
      ...patch(`${shop}/flags/banner`, {
        variants: [
          { key: 'short', value: 'Hey' },
          { key: 'long', value: 'Hello' },
        ],
      }),
    ],
    raises: environmentKeys,
  },
  {
    title: 'a rule',
    request: () => [...patch(`${production}/flags/checkout`, { rules })],
    raises: ['production'],
  },
  {
    title: 'a toggle',
    request: () => ['POST', `${shop}/environments/staging/flags/checkout/toggle`, {}],
    raises: ['staging'],
  },
  {
    title: 'a state in short form',
    request: () => [...patch('/flags/checkout', { enabled: true }, { token })],
    raises: ['production'],
  },
  {
    title: 'a name and a state in one',
    request: () => [...patch('/flags/checkout', { name: 'm', enabled: false }, { token })],
    raises: ['production'],
  },
  {
    title: 'a visibility and a state in one',
    request: () => [...patch('/flags/checkout', { clientVisible: true, enabled: true }, { token })],
    raises: environmentKeys,
  },
  ...sets.map(([title, request, raises]) => ({ title, request, raises })),
  { title: 'archiving', request: () => ['DELETE', `${shop}/flags/banner`, {}], raises: environmentKeys },
  {
    title: 'restoring',
    request: () => ['POST', `${shop}/flags/banner/restore`, {}],
    raises: environmentKeys,
  },
  { title: 'a name of an environment', request: () => [...patch(production, { name: 'Live' })], raises: [] },
  { title: 'a name of a project', request: () => [...patch(shop, { name: 'Shop' })], raises: [] },
  {
    title: 'an environment with its five flags, a segment and a layer',
    request: () => ['POST', `${shop}/environments`, { body: { key: 'preview' } }],
    raises: ['preview'],
    objects: 8,
  },
  {
    title: 'a project',
    request: () => ['POST', '/orgs/acme/projects', { body: { key: 'second' } }],
    raises: environmentKeys,
    objects: 0,
  },
  {
    title: 'a server key',
    request: () => ['POST', `${shop}/keys`, { body: { class: 'server', environment: 'staging', name: 'k' } }],
    raises: ['staging'],
  },
  {
    title: 'a management key',
    request: () => [
      'POST',
      `${shop}/keys`,
      { body: { class: 'management', role: 'viewer', environment: 'staging', name: 'k' } },
    ],
    raises: [],
  },
  {
    title: 'revoking a client key',
    request: async () => {
      const body = { class: 'client', environment: 'staging', name: 'k' }
      const { id } = await kit.ok('POST', `${shop}/keys`, { body })
      kit.told.splice(0)
      return ['DELETE', `${shop}/keys/${id}`, {}]
    },
    raises: ['staging'],
  },
]

test.for(writes)(
  '$title: one version, history, audit and outbox row each, armed before it goes',
  async (write) => {
    const request = await write.request()
    const before = await tally()
    const { versions } = await kit.ok(...request)
    const after = await tally()
    const raised = after.environments.filter(({ id, version }) => (before.versions.get(id) ?? 0) !== version)
    expect(raised.map(({ key }) => key).toSorted()).toEqual([...write.raises])
    for (const { id, key, version } of raised) {
      expect(version).toBe((before.versions.get(id) ?? 0) + 1)
      expect(versions[key]).toBe(`1.${version}`)
    }
    expect(after.history - before.history).toBe(raised.length * (write.objects ?? 1))
    expect(after.outbox - before.outbox).toBe(raised.length)
    expect(after.audits - before.audits).toBe(write.audits ?? 1)
    const ids = raised.map(({ id }) => id).toSorted()
    const half = kit.told.length / 2
    for (const [kind, told] of [
      ['arm', kit.told.slice(0, half)],
      ['go', kit.told.slice(half)],
    ] as const) {
      expect(told.map((one) => one.kind)).toEqual(ids.map(() => kind))
      expect(told.map(({ scope }) => scope.environmentId).toSorted()).toEqual(ids)
    }
  },
)

test('a write that changes nothing writes nothing, and answers the present version', async () => {
  const flag = await kit.ok('GET', '/flags/checkout', { token })
  const { name, variants, clientVisible, enabled, offVariant, overrides, fallthrough } = flag
  const state = { enabled, offVariant, overrides, rules: flag.rules, fallthrough }
  const same: Parameters<typeof kit.call>[] = [
    [...patch(`${shop}/flags/checkout`, { name, variants, clientVisible })],
    [...patch(`${shop}/flags/checkout`, {})],
    [...patch(`${production}/flags/checkout`, state)],
    [...patch('/flags/checkout', { name, ...state }, { token })],
    ['POST', `${production}/flags/checkout/toggle`, { body: { enabled } }],
    ['POST', `${shop}/flags/checkout/restore`, {}],
    [...patch(beta, { name: 'm' })],
    [...patch(`${production}/segments/beta`, { include: ['u'], when: null })],
    [...patch(experiments, { name: 'n', by: 'targetingKey' })],
    ['POST', `${experiments}/restore`, {}],
    [...patch(shop, { name: 'Shop' })],
    [...patch(production, { protected: true })],
  ]
  const before = await kit.stored()
  for (const request of same) {
    const { versions } = await kit.ok(...request)
    expect(versions.production).toBe((await kit.ok('GET', production)).version)
  }
  await kit.ok('DELETE', `${shop}/flags/banner`)
  const archived = await kit.stored()
  expect(archived).not.toEqual(before)
  await kit.ok('DELETE', `${shop}/flags/banner`)
  expect(await kit.stored()).toEqual(archived)
})

test('the publisher is armed while the change is uncommitted, and told to go once it is', async () => {
  const seen: string[] = []
  const look = async (what: string) => {
    const rows = await kit.sql("select 1 from flags where key = 'ordered'")
    seen.push(`${what} ${rows.length === 0 ? 'before' : 'after'} commit`)
  }
  const looks: Promise<void>[] = []
  const publishers: Publishers = {
    async arm() {
      await look('arm')
      return { go: () => looks.push(look('go')), release: () => looks.push(look('release')) }
    },
  }
  await kit.ok('POST', `${shop}/flags`, { body: { key: 'ordered' }, deps: { publishers } })
  await Promise.all(looks)
  expect(new Set(seen)).toEqual(new Set(['arm before commit', 'go after commit']))
})

test('a change that fails leaves nothing and releases every publisher that was armed', async () => {
  const told: string[] = []
  let arms = 0
  const publishers: Publishers = {
    async arm() {
      arms += 1
      if (arms === 2) throw new Error('out of reach')
      await new Promise((resolve) => setImmediate(resolve)) // later than the failure
      return { go: () => told.push('go'), release: () => told.push('release') }
    },
  }
  const before = await kit.stored()
  const { error } = console
  console.error = () => {}
  expectProblem(
    await kit.call('POST', `${shop}/flags`, { body: { key: 'fails' }, deps: { publishers } }),
    'internal',
  )
  console.error = error
  expect(told).toEqual(['release', 'release', 'release'])
  expect(await kit.stored()).toEqual(before)
})

test('a commit that fails releases', async () => {
  const { db } = kit.deps
  const write: typeof db.write = (orgId, work) =>
    db.write(orgId, async (tx) => {
      await work(tx)
      throw Object.assign(new Error('connection lost'), { code: '08006' })
    })
  const before = await kit.stored()
  const reply = await kit.call('POST', `${shop}/flags`, {
    body: { key: 'fails' },
    deps: { db: { ...db, write } },
  })
  expectProblem(reply, 'unavailable')
  expect(kit.told.map(({ kind }) => kind)).toEqual([...Array(4).fill('arm'), ...Array(4).fill('release')])
  expect(await kit.stored()).toEqual(before)
})

test('an environment whose epoch must be raised takes no write that would raise its version', async () => {
  await kit.sql("update environments set epoch_required = true where key = 'staging'")
  const before = await kit.stored()
  expectProblem(await kit.call('POST', `${shop}/flags`, { body: { key: 'frozen' } }), 'epoch_required')
  expectProblem(
    await kit.call('POST', `${shop}/environments/staging/flags/checkout/toggle`),
    'epoch_required',
  )
  expect(await kit.stored()).toEqual(before)
  await kit.ok('POST', `${production}/flags/checkout/toggle`)
  await kit.ok(...patch(`${shop}/flags/checkout`, { name: 'only a name' }))
  await kit.sql("update environments set epoch_required = false where key = 'staging'")
})

async function tally() {
  const environments = await kit.sql<{ id: string; key: string; version: number }>(
    'select id, key, version from environments',
  )
  const [counts] = await kit.sql<Record<'history' | 'outbox' | 'audits', number>>(
    `select (select count(*)::int from state_history) as history, (select count(*)::int from outbox) as outbox,
       (select count(*)::int from audit_entries) as audits`,
  )
  if (!counts) throw new Error('counts are one row')
  return { ...counts, environments, versions: new Map(environments.map(({ id, version }) => [id, version])) }
}
