import { expect, test } from 'vitest'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeWorld, startEdge } from './test-kit.ts'

test('the ruleset is the signed head and the body that it names, under a strong ETag', async () => {
  const { server, publish } = await makeWorld()
  const { signedHead, body } = await publish(1)
  const { call } = startEdge()
  const answer = await call('/v1/ruleset', { key: server.text })
  expect(await answer.json()).toEqual({ signedHead, body })
  const etag = answer.headers.get('ETag')
  expect(etag).toBe(`"${await sha256Hex(body)}"`)
  const again = await call('/v1/ruleset', { key: server.text, headers: { 'If-None-Match': etag ?? '' } })
  expect([again.status, await again.text(), again.headers.get('Halyard-Version')]).toEqual([304, '', '1.1'])
})

test('status tells anyone that the Worker answers, and a key what is held for it', async () => {
  const { server, client, publish } = await makeWorld()
  await publish(4)
  const { call } = startEdge()
  expect(await (await call('/v1/status')).json()).toEqual({ status: 'ok' })
  const held = { status: 'ok', version: '1.4', ageSec: 0, confirmed: true }
  expect(await (await call('/v1/status', { key: client.text })).json()).toEqual(held)
  expect(await (await call('/v1/status', { key: server.text })).json()).toEqual({ ...held, refused: 0 })
})

test('evaluate answers one flag, some, or all', async () => {
  const { server, client, publish } = await makeWorld()
  await publish(1)
  const { call } = startEdge()
  const ask = async (body: object, key = server.text) => {
    const answer = await call('/v1/evaluate', { key, body })
    return [answer.status, await answer.json<{ flags: { key: string }[] }>()] as const
  }
  const context = { targetingKey: 'user-1', country: 'CA' }
  expect(await ask({ flag: 'banner', context })).toMatchObject([200, { key: 'banner', value: true }])
  expect(await ask({ flag: 'absent', context })).toMatchObject([
    404,
    { key: 'absent', errorCode: 'FLAG_NOT_FOUND' },
  ])
  expect(await ask({ flags: ['steady', 'absent', 'banner'], context })).toMatchObject([
    200,
    {
      flags: [
        { key: 'steady', value: true },
        { key: 'absent', errorCode: 'FLAG_NOT_FOUND' },
        { key: 'banner' },
      ],
    },
  ])
  const [, all] = await ask({ context })
  const [, visible] = await ask({ context }, client.text)
  expect(all.flags).toHaveLength(6)
  expect(visible.flags.map(({ key }) => key)).toEqual(['banner', 'broken', 'paused', 'share', 'steady'])
  expect(await ask({ flags: ['hidden'] }, client.text)).toMatchObject([
    200,
    { flags: [{ errorCode: 'FLAG_NOT_FOUND' }] },
  ])
})

test.each([
  ['a flag that is no string', { flag: 5 }],
  ['flags that are no list', { flags: 'banner' }],
  ['flags that are no strings', { flags: [5] }],
  ['one and many at once', { flag: 'a', flags: ['b'] }],
  ['too many flags', { flags: Array.from({ length: 1001 }, () => 'a') }],
])('evaluate refuses %s', async (_, body) => {
  const { server, publish } = await makeWorld()
  await publish(1)
  const answer = await startEdge().call('/v1/evaluate', { key: server.text, body })
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ errorCode: 'INVALID_REQUEST' })
})
