import { expect, test } from 'vitest'
import { matchesEtag } from './etag.ts'
import { makeCredentials } from './stream-credential.ts'
import { makeWorld, startEdge, type Flags } from './test-kit.ts'

const bulk = '/ofrep/v1/evaluate/flags'
const start = Date.UTC(2030, 0, 1)
const stepMs = 5 * 60_000

/** Off, on from five minutes after the start, off again five minutes later. */
const timed: Flags[string] = {
  rules: [
    {
      id: 'rul_1',
      when: { attribute: '$now', op: 'within', values: [start + stepMs, start + 2 * stepMs] },
      serve: { variant: 'on' },
    },
  ],
}

/** An environment whose keys' credentials stay the same for as long as the tests take: those move the tag too. */
async function makeSteadyWorld(): ReturnType<typeof makeWorld> {
  const { windowOf } = makeCredentials('any'.padEnd(32))
  for (;;) {
    const world = await makeWorld() // oxlint-disable-line no-await-in-loop -- until chance gives one
    const ends = [world.server, world.client].map(({ entry }) => windowOf(entry.id, start).endsAt)
    if (Math.min(...ends) > start + 3 * stepMs) return world
  }
}

async function tagger(flags: Flags) {
  const { server, client, publish } = await makeSteadyWorld()
  await publish(1, { flags })
  const { call, clock } = startEdge({}, start)
  const tagOf = async (key: string, aheadMs: number, ifNoneMatch = '') => {
    clock.aheadMs = aheadMs
    const headers = { 'If-None-Match': ifNoneMatch }
    const answer = await call(bulk, { key, body: { context: { targetingKey: 'user-1' } }, headers })
    return { status: answer.status, etag: answer.headers.get('ETag') ?? '', text: await answer.text() }
  }
  return { server: server.text, client: client.text, call, tagOf }
}

test('the ETag stays until time alone may change an answer, and moves then', async () => {
  const { server, tagOf } = await tagger({ timed })
  const before = await tagOf(server, 0)
  expect((await tagOf(server, stepMs - 1, before.etag)).status).toBe(304)
  const during = await tagOf(server, stepMs, before.etag)
  expect(during.status).toBe(200)
  expect(during.text).toContain('"value":true')
  expect((await tagOf(server, 2 * stepMs - 1, during.etag)).status).toBe(304)
  const after = await tagOf(server, 2 * stepMs, during.etag)
  expect(after.text).toContain('"value":false')
  expect((await tagOf(server, 3 * stepMs, after.etag)).status).toBe(304)
  expect(new Set([before.etag, during.etag, after.etag]).size).toBe(3)
})

test('the ETag of class client does not move with the times of a hidden flag', async () => {
  const { server, client, tagOf } = await tagger({
    hidden: { ...(timed as object), clientVisible: false },
    shown: {},
  })
  expect((await tagOf(client, stepMs)).etag).toBe((await tagOf(client, 0)).etag)
  expect((await tagOf(server, stepMs)).etag).not.toBe((await tagOf(server, 0)).etag)
})

test('the ETag tells apart all that rules tell apart', async () => {
  const { server, call } = await tagger({
    flag: {
      rules: [{ id: 'rul_1', when: { attribute: 'a', op: 'gt', value: 5 }, serve: { variant: 'on' } }],
    },
  })
  const texts = [
    'null',
    '1e999',
    '-1e999',
    '"1e999"',
    'true',
    '"true"',
    '[null]',
    '[1e999]',
    '"-"',
    '{"b":1}',
  ]
  const tags = new Set<string | null>()
  for (const text of ['{}', ...texts.map((value) => `{"a":${value}}`)]) {
    const answer = await call(bulk, { key: server, body: `{"context":${text}}` })
    tags.add(answer.headers.get('ETag'))
  }
  expect(tags.size).toBe(texts.length + 1)
})

test('If-None-Match is a list that is compared weakly', () => {
  const tag = '"a"'
  for (const value of ['"a"', 'W/"a"', '*', '"b", "a"', '"b",W/"a"', ' "a" '])
    expect([value, matchesEtag(value, tag)]).toEqual([value, true])
  for (const value of [null, '', 'a', '"b"', '"A"', '"a', 'w/"a"'])
    expect([value, matchesEtag(value, tag)]).toEqual([value, false])
})
