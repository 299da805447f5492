import { expect, test } from 'vitest'
import { makeHeadVerifier, parseTrustedKeys, signHead } from '@halyard/shared/protocol/head.ts'
import { formatJwks } from './jwks.ts'
import { edgeEnv, startEdge } from './test-kit.ts'

test('the trusted keys are listed for anybody, from caches too, and verify what is published', async () => {
  const answer = await startEdge().call('/.well-known/jwks.json', { method: 'GET' })
  expect(answer.status).toBe(200)
  expect(answer.headers.get('Content-Type')).toBe('application/jwk-set+json')
  expect(answer.headers.get('Cache-Control')).toBe('public, max-age=300')
  expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
  const { keys } = await answer.json<{ keys: { kid: string }[] }>()
  expect(keys.map(({ kid }) => kid)).toEqual(['test-1'])
  const head = { environment: 'e', epoch: 1, version: 1, snapshotHash: '', accessHash: '', clientHash: '' }
  const signed = await signHead(
    { ...head, size: 0, schema: 1, compiler: 1, time: 1 },
    JSON.parse(edgeEnv.SIGNING_KEY),
  )
  expect(await makeHeadVerifier(keys)(signed)).toMatchObject({ environment: 'e', kid: 'test-1' })
})

test('no member of a key is listed but those that are known to be public', () => {
  const key = { kty: 'OKP', crv: 'Ed25519', x: 'AA', kid: 'k', note: 'mine' }
  const listed = formatJwks(parseTrustedKeys(JSON.stringify([key])))
  expect(JSON.parse(listed)).toEqual({
    keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AA', kid: 'k', alg: 'EdDSA', use: 'sig' }],
  })
})

test('an edge does not start with a private key among the trusted ones', () => {
  expect(() => startEdge({ TRUSTED_KEYS: `[${edgeEnv.SIGNING_KEY}]` })).toThrow('TRUSTED_KEYS')
})
