import { expect, test } from 'vitest'
import { applyChanges, changesBetween, type Delta } from '@halyard/shared/protocol/delta.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeHeadVerifier, parseTrustedKeys } from '@halyard/shared/protocol/head.ts'
import type { Publication, ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import { bodyOf, edgeEnv, hubWithout, makeWorld, sampleFlags, startEdge, type Flags } from './test-kit.ts'

interface Ruleset {
  readonly signedHead: string
  readonly body?: string
  readonly deltas?: readonly Delta[]
}

const verify = makeHeadVerifier(parseTrustedKeys(edgeEnv.TRUSTED_KEYS))
/** So many that a change is far shorter than the whole. */
const flags: Flags = {
  ...sampleFlags,
  ...Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`flag-${i}`, {}])),
}
const second = { flags: { ...flags, steady: { enabled: false } } }
const third = { flags: { ...second.flags, late: {} } }

/** A poller of an edge that confirms what it holds whenever it is asked. */
async function start() {
  const world = await makeWorld()
  const first = await world.publish(1, { flags })
  const edge = startEdge()
  const poll = async (query = '', headers = {}) => {
    edge.clock.aheadMs += 2_500
    const answer = await edge.call(`/v1/ruleset${query}`, { key: world.server.text, headers })
    const text = await answer.text()
    return { answer, text, ruleset: (text === '' ? {} : JSON.parse(text)) as Ruleset }
  }
  return { ...world, ...edge, first, poll }
}

/** What a reader who holds that publication makes of an answer. */
async function follow(from: Publication, { signedHead, deltas = [] }: Ruleset): Promise<string | null> {
  let body: string | null = from.body
  for (const delta of deltas) {
    if (body === null || (await sha256Hex(body)) !== delta.base) return null
    body = applyChanges(body, delta)
    const head = await verify(delta.signedHead)
    if (body === null || (await sha256Hex(body)) !== head?.snapshotHash) return null
  }
  return body !== null && (await sha256Hex(body)) === (await verify(signedHead))?.snapshotHash ? body : null
}

test('a reader that tells its version is given what has changed since', async () => {
  const { poll, publish, first } = await start()
  await poll('?since=1.1')
  const next = await publish(2, second)
  const one = await poll('?since=1.1')
  expect(one.answer.headers.get('Halyard-Version')).toBe('1.2')
  expect(one.ruleset.body).toBeUndefined()
  expect(one.ruleset.deltas).toHaveLength(1)
  expect(await follow(first, one.ruleset)).toBe(next.body)
  const last = await publish(3, third)
  const two = await poll('?since=1.1')
  expect(two.ruleset.deltas).toHaveLength(2)
  expect(await follow(first, two.ruleset)).toBe(last.body)
  expect(await follow(next, (await poll('?since=1.2')).ruleset)).toBe(last.body)
})

test('deltas bear no ETag, and the body bears its hash', async () => {
  const { poll, publish } = await start()
  await poll('?since=1.1')
  const { body } = await publish(2, second)
  expect((await poll('?since=1.1')).answer.headers.get('ETag')).toBeNull()
  const etag = `"${await sha256Hex(body)}"`
  expect((await poll()).answer.headers.get('ETag')).toBe(etag)
  const held = await poll('?since=1.1', { 'If-None-Match': etag })
  expect([held.answer.status, held.text, held.answer.headers.get('ETag')]).toEqual([304, '', etag])
})

test('a reader at the head is told that nothing has changed', async () => {
  const { poll, first } = await start()
  const { answer, ruleset } = await poll('?since=1.1')
  expect([answer.status, ruleset]).toEqual([200, { signedHead: first.signedHead, deltas: [] }])
})

test('a reader whose version is not known here is given the body', async () => {
  const { poll, publish } = await start()
  await publish(5)
  const { body } = await publish(7, second)
  for (const version of ['1.5', '1.6', '0.9']) {
    const { answer, ruleset } = await poll(`?since=${version}`)
    expect([answer.status, ruleset.body, ruleset.deltas]).toEqual([200, body, undefined])
  }
})

test('a reader that is ahead of this location is given no less than it has', async () => {
  const { call, server, clock, publish, bindings } = await start()
  const ask = async (version: string) =>
    await call(`/v1/ruleset?since=${version}`, { key: server.text, headers: {} })
  expect((await ask('1.1')).status).toBe(200)
  const next = await publish(2, second)
  expect(await (await ask('1.2')).json()).toEqual({ signedHead: next.signedHead, deltas: [] })
  bindings.HUB = hubWithout('read')
  clock.aheadMs += 1_000
  const refused = await ask('1.3')
  expect([refused.status, refused.headers.get('Halyard-Version')]).toEqual([409, '1.2'])
  expect(await refused.json()).toMatchObject({ errorCode: 'VERSION_UNAVAILABLE' })
})

test.each(['', '1', 'latest', '1.2.3', '-1.2', '1.2%20'])('since=%s is no version token', async (token) => {
  const { poll } = await start()
  const { answer, text } = await poll(`?since=${token}`)
  expect([answer.status, JSON.parse(text)]).toMatchObject([400, { errorCode: 'INVALID_REQUEST' }])
})

test('deltas go to whom the body goes', async () => {
  const { call, client } = await start()
  expect((await call('/v1/ruleset?since=1.1', { key: client.text })).status).toBe(403)
  expect((await call('/v1/ruleset?since=1.1')).status).toBe(401)
})

test('what the hub gives as deltas is passed on as it came', async () => {
  const { publish, first, poll, bindings } = await start()
  await poll()
  const next = await publish(2, second)
  const hub = hubWithout()
  const delta = {
    signedHead: next.signedHead,
    base: await sha256Hex(first.body),
    ...changesBetween(first.body, bodyOf(second.flags)),
  }
  bindings.HUB = {
    ...hub,
    read: async () => ({ signedHead: next.signedHead, confirmedAt: Date.now(), deltas: [delta] }),
  }
  // Nobody has asked for deltas before.
  await poll()
  expect((await poll('?since=1.1')).ruleset).toEqual({ signedHead: next.signedHead, deltas: [delta] })
})

test('the real hub tells an edge what has changed, and no body', async () => {
  const { publish, first, poll, bindings } = await start()
  const answers: (ReadAnswer | null)[] = []
  bindings.HUB = {
    ...hubWithout(),
    read: async (environment, held) => {
      const answer = await edgeEnv.HUB.read(environment, held)
      answers.push(answer)
      return answer
    },
  }
  await poll()
  const next = await publish(2, second)
  expect((await poll()).ruleset.body).toBe(next.body)
  expect(answers.at(-1)).not.toHaveProperty('body')
  // Nobody has asked for deltas before: these are the hub's.
  expect(await follow(first, (await poll('?since=1.1')).ruleset)).toBe(next.body)
})
