import { exportJWK, generateKeyPair } from 'jose'
import { expect, test } from 'vitest'
import { parseAccess } from './access.ts'
import { sha256Hex } from './hash.ts'
import { makeHeadVerifier } from './head.ts'
import { formatKvValue, kvNames, parseKvValue } from './hub.ts'
import { signPublication } from './publication.ts'

test('a KV value is read back as it was written, line breaks and all', () => {
  const confirmation = { signedHead: 'a.b.c', confirmedAt: 1_700_000_000_000 }
  for (const content of ['', 'flag\ta\t{}', 'flag\ta\t{}\nflag\tb\t{}\n', '\n\n', '{"keys":[]}']) {
    expect(parseKvValue(formatKvValue(confirmation, content))).toEqual({ ...confirmation, content })
  }
})

test.each([
  '',
  'flag',
  '\n',
  '{}\nx',
  'null\nx',
  '5\nx',
  '{"signedHead":"a"}\nx',
  '{"signedHead":1,"confirmedAt":1}\nx',
  '<html>\n</html>',
])('no KV value: %j', (text) => {
  expect(parseKvValue(text)).toBeNull()
})

test('snapshot and access record of an environment have names of their own', () => {
  const names = ['env_1', 'env_2'].flatMap((id) => [kvNames.snapshot(id), kvNames.access(id)])
  expect(new Set(names).size).toBe(4)
})

test('a signed publication names its texts by hash and size', async () => {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const publicJwk = { ...(await exportJWK(publicKey)), kid: 'k1' }
  const compiled = { environment: 'env_1', epoch: 1, version: 2, clientHash: 'c', compiler: 3, time: 4 }
  const [body, access] = ['flag\tgrüße\t{}', '{"environment":"env_1","keys":[]}']
  const publication = await signPublication(
    { ...compiled, body, access },
    { ...(await exportJWK(privateKey)), kid: 'k1' },
  )
  expect(publication).toMatchObject({ body, access })
  expect(await makeHeadVerifier([publicJwk])(publication.signedHead)).toEqual({
    ...compiled,
    snapshotHash: await sha256Hex(body),
    accessHash: await sha256Hex(access),
    size: Buffer.byteLength(body),
    schema: 1,
    kid: 'k1',
  })
})

test('an access record is read back, and nothing else is taken for one', () => {
  const key = { id: 'key_1', hash: 'h', class: 'client', origins: ['https://a.example'], expiresAt: 5 }
  const record = { environment: 'env_1', keys: [key, { id: 'key_2', hash: 'i', class: 'server' }] }
  expect(parseAccess(JSON.stringify(record))).toEqual(record)
  const wrongKeys = [
    { id: 1 },
    { class: 'management' },
    { origins: 'x' },
    { origins: [1] },
    { expiresAt: 'x' },
    { hash: null },
  ]
  for (const wrong of wrongKeys) {
    expect(parseAccess(JSON.stringify({ ...record, keys: [{ ...key, ...wrong }] }))).toBeNull()
  }
  for (const text of [
    '',
    '[]',
    'null',
    '5',
    '{}',
    '{"environment":"env_1"}',
    '{"keys":[]}',
    '{"environment":"e","keys":{}}',
  ]) {
    expect(parseAccess(text)).toBeNull()
  }
})
