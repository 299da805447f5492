import { expect, test } from 'vitest'
import type { Json, Leaf } from '@halyard/shared/engine/model.ts'
import { makeWorld, startEdge, type CallOptions, type Flags } from './test-kit.ts'

const bulk = '/ofrep/v1/evaluate/flags'
const cf = {
  country: 'FR',
  region: 'Brittany',
  city: 'Brest',
  continent: 'EU',
  isEUCountry: '1',
  asn: 64_496,
  colo: 'CDG',
  timezone: 'Europe/Paris',
} as const
const ip = '192.0.2.7'
const facts: Readonly<Record<string, Json>> = {
  country: 'FR',
  region: 'Brittany',
  city: 'Brest',
  continent: 'EU',
  isEU: true,
  asn: 64_496,
  colo: 'CDG',
  timezone: 'Europe/Paris',
  ip,
}

/** On if the leaf matches. */
const when = (leaf: Leaf): Flags[string] => ({
  rules: [{ id: 'rul_1', when: leaf, serve: { variant: 'on' } }],
})
const ofFact = (name: string, value: Json) => when({ attribute: `edge.${name}`, op: 'eq', value })

async function start(flags: Flags) {
  const { server, client, publish } = await makeWorld()
  await publish(1, { flags })
  const { call } = startEdge()
  const ask = async (options: CallOptions) => {
    const answer = await call(bulk, { body: {}, ...options })
    const { flags: items } = await answer.json<{ flags: { key: string; value?: Json }[] }>()
    const values = Object.fromEntries(items.map(({ key, value }) => [key, value]))
    return { values, etag: answer.headers.get('ETag') }
  }
  return { server: server.text, client: client.text, ask }
}

const present = (name: string) => when({ attribute: `edge.${name}`, op: 'exists' })
const factFlags = Object.fromEntries(
  Object.entries(facts).map(([name, value]) => [name, ofFact(name, value)]),
)
const headers = { 'CF-Connecting-IP': ip }

test('class client is decided by the facts that the platform gives, each of them', async () => {
  const { client, ask } = await start(factFlags)
  const { values } = await ask({ key: client, cf, headers })
  expect(values).toEqual(Object.fromEntries(Object.keys(facts).map((name) => [name, true])))
})

test('what the platform does not give is absent, and without a platform everything is', async () => {
  const { client, ask } = await start(
    Object.fromEntries(Object.keys(facts).map((name) => [name, present(name)])),
  )
  const partly = await ask({ key: client, cf: { country: 'US', asn: 64_496 } })
  expect(Object.keys(partly.values).filter((name) => partly.values[name] === true)).toEqual([
    'asn',
    'country',
    'isEU',
  ])
  const bare = await ask({ key: client, headers, body: { context: { edge: facts } } })
  expect(Object.values(bare.values)).toEqual(Object.keys(facts).map(() => false))
})

test('outside the European Union isEU is false', async () => {
  const { client, ask } = await start({ eu: ofFact('isEU', false) })
  expect((await ask({ key: client, cf: { country: 'US' } })).values).toEqual({ eu: true })
})

test.each([
  '{"edge":{"country":"CA"}}',
  '{"edge":"CA","edge":{"country":"CA"}}',
  '{"\\u0065dge":{"country":"CA"}}',
  '{"edge.country":"CA"}',
  '{"__proto__":{"edge":{"country":"CA"}}}',
  '{"edge":{"__proto__":{"country":"CA"}}}',
  '{"constructor":{"prototype":{"edge":{"country":"CA"}}}}',
])('class client cannot forge a fact: %s', async (context) => {
  const { client, ask } = await start({ canada: ofFact('country', 'CA'), france: ofFact('country', 'FR') })
  const body = `{"context":${context}}`
  expect((await ask({ key: client, cf, body })).values).toEqual({ canada: false, france: true })
  expect((await ask({ key: client, body })).values).toEqual({ canada: false, france: false })
})

test('for class server the facts are what the caller gives: its own place is not its user’s', async () => {
  const { server, ask } = await start(factFlags)
  const absent = await ask({ key: server, cf, headers })
  expect(Object.values(absent.values)).toEqual(Object.keys(facts).map(() => false))
  const given = await ask({ key: server, body: { context: { edge: facts } } })
  expect(Object.values(given.values)).toEqual(Object.keys(facts).map(() => true))
})

test('class client cannot forge a fact that no flag but a hidden one reads', async () => {
  const { client, ask } = await start({
    hidden: { ...(ofFact('country', 'CA') as object), clientVisible: false },
    shown: {
      prerequisites: [{ flag: 'hidden', variants: ['on'] }],
      fallthrough: { variant: 'on' },
    },
  })
  const body = { context: { edge: { country: 'CA' } } }
  expect((await ask({ key: client, cf, body })).values).toEqual({ shown: false })
  expect((await ask({ key: client, cf: { country: 'CA' } })).values).toEqual({ shown: true })
})

test('class client cannot forge a fact that the snapshot spells as nobody does', async () => {
  const { client, ask } = await start({
    odd: JSON.stringify({
      valueType: 'boolean',
      variants: [
        { key: 'on', value: true },
        { key: 'off', value: false },
      ],
      seed: '0123456789abcdef',
      clientVisible: true,
      enabled: true,
      offVariant: 'off',
      overrides: [],
      ...(ofFact('country', 'CA') as object),
      fallthrough: { variant: 'off' },
    }).replace('edge.country', '\\u0065dge.country'),
  })
  const body = { context: { edge: { country: 'CA' } } }
  expect((await ask({ key: client, cf, body })).values).toEqual({ odd: false })
})

test('the ETag of class client moves with a fact that is read, and with no other', async () => {
  const { client, ask } = await start({ france: ofFact('country', 'FR') })
  const { etag } = await ask({ key: client, cf })
  expect((await ask({ key: client, cf: { ...cf, city: 'Lyon' } })).etag).toBe(etag)
  expect((await ask({ key: client, cf, body: { context: { edge: { country: 'CA' } } } })).etag).toBe(etag)
  expect((await ask({ key: client, cf: { ...cf, country: 'BE' } })).etag).not.toBe(etag)
})
