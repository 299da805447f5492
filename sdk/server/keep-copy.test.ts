import { expect, test } from 'vitest'
import { makeClock } from '../../test/simulator/clock.ts'
import type { Copy, CopyOrigin } from '../sync/replica.ts'
import { parseCopy } from '../sync/saved-copy.ts'
import { makeKeeper } from './keep-copy.ts'

function makeWorld() {
  const clock = makeClock(0)
  const saved: { readonly at: number; readonly body: string | undefined }[] = []
  const reports: string[] = []
  const disk = { isFull: false, hangs: false }
  const calls: string[] = []
  const waiting: (() => void)[] = []
  const keeper = makeKeeper({
    store: {
      load: async () => null,
      save: async (text) => {
        calls.push('save')
        if (disk.hangs) await new Promise<void>((resolve) => waiting.push(resolve))
        if (disk.isFull) throw new Error('the disk is full')
        saved.push({ at: clock.now(), body: parseCopy(text)?.body })
      },
      saveBlob: async () => {
        calls.push('saveBlob')
      },
    },
    keysToStore: () => null,
    steadyNow: clock.now,
    setTimer: clock.after,
    report: (what) => reports.push(what),
  })
  const pass = (ms: number) => clock.runUntil(clock.now() + ms, () => {})
  return { keeper, saved, reports, disk, calls, pass, answer: () => waiting.pop()?.() }
}

function copy(body: string, origin: CopyOrigin = 'stream'): Copy {
  return { origin, signedHead: 'head', token: '1.1', body, head: {} as Copy['head'] } // not looked at
}

test('the first copy is saved at once, later ones at most every five seconds, the newest of them', async () => {
  const { keeper, saved, pass } = makeWorld()
  keeper.keep(copy('one'))
  await pass(1_000)
  keeper.keep(copy('two'))
  keeper.keep(copy('three'))
  await pass(60_000)
  expect(saved).toEqual([
    { at: 0, body: 'one' },
    { at: 5_000, body: 'three' },
  ])
})

test('the end saves what was not saved yet, and nothing twice', async () => {
  const { keeper, saved, pass } = makeWorld()
  keeper.keep(copy('one'))
  await pass(0)
  keeper.keep(copy('two'))
  await keeper.close()
  await pass(60_000)
  expect(saved.map(({ body }) => body)).toEqual(['one', 'two'])
})

test.each(['store', 'bootstrap'] as const)(
  'what came from %s is not saved: the store may have newer',
  async (origin) => {
    const { keeper, saved, pass } = makeWorld()
    keeper.keep(copy('one', origin))
    await pass(60_000)
    await keeper.close()
    expect(saved).toEqual([])
  },
)

test('a store that fails is said so once, and tried again with the next copy', async () => {
  const { keeper, saved, reports, disk, pass } = makeWorld()
  disk.isFull = true
  for (const body of ['one', 'two']) {
    keeper.keep(copy(body))
    await pass(6_000) // oxlint-disable-line no-await-in-loop -- one after the other
  }
  expect(reports).toEqual(['the flags cannot be saved: Error: the disk is full'])
  disk.isFull = false
  keeper.keep(copy('three'))
  await pass(6_000)
  expect(saved.map(({ body }) => body)).toEqual(['three'])
})

test('a store that does not answer is not called again until it does, and the end does not wait for it', async () => {
  const { keeper, saved, reports, disk, calls, pass, answer } = makeWorld()
  disk.hangs = true
  keeper.keep(copy('one'))
  await pass(6_000)
  keeper.keepBlob('aa', Uint8Array.of(1))
  keeper.keep(copy('two'))
  await pass(60_000)
  expect(calls).toEqual(['save'])
  expect(reports[0]).toBe('the flags cannot be saved: Error: the store does not answer')
  await keeper.close()
  disk.hangs = false
  answer()
  await pass(0)
  keeper.keep(copy('three'))
  await pass(6_000)
  expect(saved.map(({ body }) => body)).toEqual(['one', 'three'])
})

test('lists wait for a slow store up to 256 MiB', async () => {
  const { keeper, reports, disk, calls, pass } = makeWorld()
  disk.hangs = true
  keeper.keep(copy('one'))
  await pass(0)
  const list = { length: 200 * 1024 * 1024 } as Uint8Array // nobody looks into it
  keeper.keepBlob('aa', list)
  keeper.keepBlob('bb', list)
  expect(reports).toEqual(['the list bb of a segment is not saved: too much waits for the store already'])
  expect(calls).toEqual(['save'])
})
