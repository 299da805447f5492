import { CompactSign, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { expect, test } from 'vitest'
import { makeHeadVerifier, parseTrustedKeys, signHead, snapshotSchema, type Head } from './head.ts'

const unsigned: Omit<Head, 'kid'> = {
  environment: 'env_1',
  epoch: 1,
  version: 2,
  snapshotHash: 'a'.repeat(64),
  accessHash: 'b'.repeat(64),
  clientHash: 'c'.repeat(64),
  size: 10,
  schema: snapshotSchema,
  compiler: 1,
  time: 1_700_000_000_000,
}

const [first, second, stranger] = await Promise.all([newKey('k1'), newKey('k2'), newKey('k1')])
const verify = makeHeadVerifier([first.publicJwk, second.publicJwk])

test('a head that a trusted key signed is read back, whichever of the keys it was', async () => {
  expect(await verify(await signHead(unsigned, first.privateJwk))).toEqual({ ...unsigned, kid: 'k1' })
  expect(await verify(await signHead(unsigned, second.privateJwk))).toEqual({ ...unsigned, kid: 'k2' })
  expect(await verify(await signHead(unsigned, first.privateJwk))).not.toBeNull()
})

test('a head by another key is none, also if it claims the kid of a trusted one', async () => {
  expect(await verify(await signHead(unsigned, stranger.privateJwk))).toBeNull()
  expect(await verify(await signHead(unsigned, { ...first.privateJwk, kid: 'k3' }))).toBeNull()
  expect(await makeHeadVerifier([])(await signHead(unsigned, first.privateJwk))).toBeNull()
})

test('no single character of a signed head can be changed', async () => {
  const signed = await signHead(unsigned, first.privateJwk)
  const [header = '', payload = '', signature = ''] = signed.split('.')
  // The last character of a base64url text may hold bits that mean nothing.
  for (const [part, rest] of [
    [header, 0],
    [payload, 1],
    [signature, 2],
  ] as const) {
    for (let i = 0; i < part.length - 1; i += 7) {
      const changed = part.slice(0, i) + (part[i] === 'A' ? 'B' : 'A') + part.slice(i + 1)
      const parts = [header, payload, signature]
      parts[rest] = changed
      expect(await verify(parts.join('.'))).toBeNull()
    }
  }
})

test('what is no head is none', async () => {
  const signed = await signHead(unsigned, first.privateJwk)
  for (const text of ['', '..', 'a.b.c', signed.slice(0, -20), `${signed}.`, '{}', '<html>']) {
    expect(await verify(text)).toBeNull()
  }
})

test('a trusted signature under something else than a head is no head', async () => {
  const head = { ...unsigned, kid: 'k1' }
  expect(await verify(await sign(head))).toEqual(head)
  expect(await verify(await sign(head, { alg: 'EdDSA', kid: 'k1', typ: 'JWT' }))).toBeNull()
  expect(await verify(await sign({ ...head, kid: 'k2' }))).toBeNull()
  expect(await verify(await sign({ ...head, version: '2' }))).toBeNull()
  expect(await verify(await sign({ ...head, version: 2.5 }))).toBeNull()
  expect(await verify(await sign({ ...head, environment: undefined }))).toBeNull()
  expect(await verify(await sign([head]))).toBeNull()
  expect(await verify(await sign(null))).toBeNull()
})

test('an unsigned or differently signed token is no head', async () => {
  const payload = encode({ ...unsigned, kid: 'k1' })
  const none = encode({ alg: 'none', kid: 'k1', typ: 'halyard-head' })
  expect(await verify(`${none}.${payload}.`)).toBeNull()
  const secret = new TextEncoder().encode(first.publicJwk.x ?? '')
  const hmac = await new CompactSign(new TextEncoder().encode(JSON.stringify({ ...unsigned, kid: 'k1' })))
    .setProtectedHeader({ alg: 'HS256', kid: 'k1', typ: 'halyard-head' })
    .sign(secret)
  expect(await verify(hmac)).toBeNull()
})

test('trusted keys are public Ed25519 JWKs with a kid, or the Worker does not start', () => {
  expect(parseTrustedKeys(JSON.stringify([first.publicJwk, second.publicJwk]))).toHaveLength(2)
  expect(parseTrustedKeys('[]')).toEqual([])
  const { kid: _, ...nameless } = first.publicJwk
  for (const wrong of [
    {},
    null,
    'x',
    [first.privateJwk],
    [nameless],
    [{ ...first.publicJwk, crv: 'X25519' }],
    [null],
    [first.publicJwk, second.publicJwk, { ...stranger.publicJwk, kid: 'k3' }],
    [first.publicJwk, stranger.publicJwk],
  ]) {
    expect(() => parseTrustedKeys(JSON.stringify(wrong))).toThrow()
  }
  expect(() => parseTrustedKeys('')).toThrow()
  const both = JSON.stringify([first.publicJwk, stranger.publicJwk])
  expect(() => parseTrustedKeys(both)).toThrow('at most 2 keys, each with a kid of its own')
})

async function sign(payload: unknown, header = { alg: 'EdDSA', kid: 'k1', typ: 'halyard-head' }) {
  return await new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
    .setProtectedHeader(header)
    .sign(await importJWK(first.privateJwk, 'EdDSA'))
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

async function newKey(kid: string): Promise<{ publicJwk: JWK; privateJwk: JWK }> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  return {
    publicJwk: { ...(await exportJWK(publicKey)), kid },
    privateJwk: { ...(await exportJWK(privateKey)), kid },
  }
}
