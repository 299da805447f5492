import { expect, test } from 'vitest'
import { fingerprintOf, sealBlob } from '@halyard/shared/engine/blob.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { openList } from './members-list.ts'

const utf8 = new TextEncoder()

test('a list is sealed as the blob of its ids, under the hash of that', async () => {
  const list = openList({ format: 'ndjson' })
  for (const byte of utf8.encode('"é"\n7\n"é"\n"🦊"')) list.take(Uint8Array.of(byte))
  const ids = ['é', '7', '🦊'].map(fingerprintOf)
  const bytes = sealBlob(
    Uint32Array.from(ids, ({ high }) => high),
    Uint32Array.from(ids, ({ low }) => low),
    3,
  )
  expect(await list.seal()).toEqual({ hash: await sha256Hex(bytes), count: 3, bytes })
})

test('a list that ends within a character is not UTF-8', async () => {
  const list = openList({ format: 'csv' })
  list.take(utf8.encode('id\na\né').slice(0, -1))
  await expect(list.seal()).rejects.toMatchObject({ code: 'invalid_input' })
})

test('a million ids are a list, and one more is not', async () => {
  const lines = Array.from({ length: limits.segmentMembers }, (_, i) => `${i}\n`).join('')
  const list = openList({ format: 'ndjson' })
  list.take(utf8.encode(lines))
  expect((await list.seal()).count).toBe(1_000_000)
  const longer = openList({ format: 'ndjson' })
  const takeAll = () => longer.take(utf8.encode(`${lines}5`))
  takeAll()
  await expect(longer.seal()).rejects.toMatchObject({
    code: 'limit_reached',
    message: expect.stringContaining('line 1000001'),
  })
}, 30_000)
