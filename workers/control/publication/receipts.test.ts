import { expect, test } from 'vitest'
import { makeReceiptReader } from './receipts.ts'

const receipts = [{ relay: 'weur/0', ackedAt: 1 }]

test('what the hub knows is given', async () => {
  const asked: string[] = []
  const read = makeReceiptReader({
    receipts: async (...of) => {
      asked.push(of.join(' '))
      return receipts
    },
  })
  expect(await read('env_1', '1.2')).toEqual(receipts)
  expect(asked).toEqual(['env_1 1.2'])
})

test('a hub that fails, does not know or does not answer is nobody who can say', async () => {
  expect(
    await makeReceiptReader({ receipts: () => Promise.reject(new Error('lost')) })('e', '1.1'),
  ).toBeNull()
  expect(await makeReceiptReader({ receipts: async () => null })('e', '1.1')).toBeNull()
  expect(await makeReceiptReader({ receipts: () => new Promise(() => {}) }, 10)('e', '1.1')).toBeNull()
})

test('a hub of the version before receipts is nobody who can say', async () => {
  expect(await makeReceiptReader({} as never)('e', '1.1')).toBeNull() // it has no such method
})
