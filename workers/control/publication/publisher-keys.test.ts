import { expect, test } from 'vitest'
import { makeSigningKey } from '../../../admin/make-signing-key.ts'
import { makeHeadVerifier, signHead } from '@halyard/shared/protocol/head.ts'
import { readPublisherKeys } from './publisher-keys.ts'
import { usePublication } from './test-kit.ts'

const { held, run, goBack, toggle, isEpochRequired } = usePublication()

test('a publisher trusts its own key and what hub and edge trust, each once', async () => {
  const [now, before] = [await makeSigningKey(new Date()), await makeSigningKey(new Date())]
  const read = (TRUSTED_KEYS?: object[]) =>
    readPublisherKeys({
      SIGNING_KEY: JSON.stringify(now.signingKey),
      ...(TRUSTED_KEYS && { TRUSTED_KEYS: JSON.stringify(TRUSTED_KEYS) }),
    })
  expect(read().trusted).toEqual([now.trustedKey])
  expect(read([before.trustedKey, now.trustedKey]).trusted).toEqual([now.trustedKey, before.trustedKey])
  expect(read().signing).toEqual(now.signingKey)
  expect(() => read([before.signingKey])).toThrow('TRUSTED_KEYS')
})

test('a database that went back is found out by a publisher whose key is newer than the head of the hub', async () => {
  await toggle()
  await run()
  await goBack()
  const next = await makeSigningKey(new Date())
  const { d: _, ...before } = held.privateJwk
  const { signing, trusted } = readPublisherKeys({
    SIGNING_KEY: JSON.stringify(next.signingKey),
    TRUSTED_KEYS: JSON.stringify([before]),
  })
  const verify = makeHeadVerifier(trusted)
  held.hub.verify = verify
  expect((await run({ verify, sign: (head) => signHead(head, signing) })).kind).toBe('went_back')
  expect(await isEpochRequired()).toBe(true)
})
