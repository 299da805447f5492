import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { expect, test } from 'vitest'
import { signHead } from '@halyard/shared/protocol/head.ts'
import { trustEdge, type TrustedKeys } from './trust.ts'

const head = {
  environment: 'env_1',
  epoch: 1,
  version: 1,
  snapshotHash: '',
  accessHash: '',
  clientHash: '',
  size: 0,
  schema: 1,
  compiler: 1,
  time: 0,
}

async function makeSigner(kid: string) {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const privateJwk: JWK = { ...(await exportJWK(privateKey)), kid }
  return {
    publicJwk: { ...(await exportJWK(publicKey)), kid } as JWK,
    signed: await signHead(head, privateJwk),
  }
}

function makeWorld(...named: (TrustedKeys | Error)[]) {
  let now = 0
  let asked = 0
  const trust = trustEdge({
    fetchKeys: async () => {
      asked += 1
      const keys = named.length > 1 ? named.shift() : named[0]
      if (keys instanceof Error || keys === undefined) throw keys ?? new Error('none')
      return keys
    },
    steadyNow: () => now,
    report: () => {},
  })
  return { trust, asked: () => asked, pass: (ms: number) => (now += ms) }
}

test('a head by a key that the edge names is good, and the edge is asked once for many heads', async () => {
  const { publicJwk, signed } = await makeSigner('one')
  const { trust, asked } = makeWorld([publicJwk])
  const heads = await Promise.all([trust.verify(signed), trust.verify(signed), trust.verify(signed)])
  expect(heads.map((each) => each?.kid)).toEqual(['one', 'one', 'one'])
  expect(asked()).toBe(1)
})

test('a head by an unknown key makes the edge be asked again, at most once a minute', async () => {
  const [one, two] = await Promise.all([makeSigner('one'), makeSigner('two')])
  const { trust, asked, pass } = makeWorld([one.publicJwk], [two.publicJwk])
  await trust.verify(one.signed)
  pass(59_999)
  expect([await trust.verify(two.signed), asked()]).toEqual([null, 1])
  pass(1)
  expect((await trust.verify(two.signed))?.kid).toBe('two')
  expect(asked()).toBe(2)
})

test('a head that bears a trusted name and another signature asks nobody', async () => {
  const [one, impostor] = await Promise.all([makeSigner('one'), makeSigner('one')])
  const { trust, asked, pass } = makeWorld([one.publicJwk])
  await trust.verify(one.signed)
  pass(600_000)
  expect([await trust.verify(impostor.signed), asked()]).toEqual([null, 1])
})

test('an edge that cannot be asked is asked again a second later, and what is trusted stays', async () => {
  const [one, two] = await Promise.all([makeSigner('one'), makeSigner('two')])
  const { trust, asked, pass } = makeWorld(new Error('down'), new Error('down'), [two.publicJwk])
  trust.trustStored([one.publicJwk])
  expect(await trust.verify(two.signed)).toBe(null)
  expect((await trust.verify(one.signed))?.kid).toBe('one')
  pass(999)
  await trust.verify(two.signed)
  expect(asked()).toBe(1)
  pass(1)
  await trust.verify(two.signed)
  pass(1_000)
  expect((await trust.verify(two.signed))?.kid).toBe('two')
})

test('keys that were kept with a copy do not take the place of those that the edge named', async () => {
  const [one, two] = await Promise.all([makeSigner('one'), makeSigner('two')])
  const { trust } = makeWorld([one.publicJwk])
  await trust.verify(one.signed)
  trust.trustStored([two.publicJwk])
  expect([trust.keysToStore(), await trust.verify(two.signed)]).toEqual([[one.publicJwk], null])
})

test('an edge that names no keys has failed: what is trusted stays, and it is asked again a second later', async () => {
  const [one, two] = await Promise.all([makeSigner('one'), makeSigner('two')])
  const { trust, pass } = makeWorld([], [two.publicJwk])
  trust.trustStored([one.publicJwk])
  expect(await trust.verify(two.signed)).toBe(null)
  expect(trust.keysToStore()).toEqual([one.publicJwk])
  expect((await trust.verify(one.signed))?.kid).toBe('one')
  pass(1_000)
  expect((await trust.verify(two.signed))?.kid).toBe('two')
})
