import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { evaluate } from '@halyard/shared/engine/evaluate.ts'
import { fingerprintOf, sealBlob } from '@halyard/shared/engine/blob.ts'
import { baseFlag, baseSegment } from '@halyard/shared/engine/cases.ts'
import { formatBody, formatLine } from '@halyard/shared/engine/snapshot.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeClock } from '../../test/simulator/clock.ts'
import { makeAdopter, type Adopted } from './adopter.ts'
import type { Copy } from './replica.ts'

const [first, second] = await Promise.all([blobOf('user-1'), blobOf('user-2')])

function makeWorld() {
  const clock = makeClock(0)
  const adopted: Adopted[] = []
  const completed: string[] = []
  const fetched: string[] = []
  const asked: string[] = []
  const blobs = new Map<string, Uint8Array>()
  const kept = new Map<string, Uint8Array>()
  const hanging = { store: false, edge: false }
  const adopter = makeAdopter({
    loadBlob: async (hash) => (hanging.store ? await new Promise(() => {}) : (kept.get(hash) ?? null)),
    fetchBlob: async (hash) => {
      asked.push(hash)
      if (hanging.edge) await new Promise(() => {})
      const bytes = blobs.get(hash)
      if (!bytes) throw new Error('down')
      return bytes
    },
    fetched: (hash) => fetched.push(hash),
    hashBytes: async (bytes) => createHash('sha256').update(bytes).digest('hex'),
    adopted: (each) => adopted.push(each),
    completed: (_, hash) => completed.push(hash),
    random: () => 0.999,
    setTimer: clock.after,
    report: () => {},
  })
  const pass = (ms: number) => clock.runUntil(clock.now() + ms, () => {})
  const tokens = () => adopted.map(({ copy }) => copy.token)
  return { adopter, adopted, completed, fetched, asked, blobs, kept, hanging, pass, tokens }
}

test('a version that names no list is in use at once', () => {
  const { adopter, tokens } = makeWorld()
  adopter.offer(copyOf(1, null))
  expect(tokens()).toEqual(['1.1'])
})

test('a version waits for its list, which is fetched once and serves the next versions too', async () => {
  const { adopter, adopted, blobs, asked, fetched, pass, tokens } = makeWorld()
  blobs.set(first.hash, first.bytes)
  adopter.offer(copyOf(1, first.hash))
  expect(tokens()).toEqual([])
  await pass(0)
  expect([tokens(), isMember(adopted[0], 'user-1')]).toEqual([['1.1'], true])
  adopter.offer(copyOf(2, first.hash))
  expect([tokens(), isMember(adopted[1], 'user-1')]).toEqual([['1.1', '1.2'], true])
  expect([asked, fetched]).toEqual([[first.hash], [first.hash]])
})

test('a list that does not come is waited for three seconds, and given to the version in use when it comes', async () => {
  const { adopter, adopted, completed, blobs, pass, tokens } = makeWorld()
  adopter.offer(copyOf(1, null))
  adopter.offer(copyOf(2, first.hash))
  await pass(2_999)
  expect(tokens()).toEqual(['1.1'])
  await pass(1)
  expect([tokens(), evaluateFor(adopted[1], 'user-1').reason]).toEqual([['1.1', '1.2'], 'ERROR'])
  blobs.set(first.hash, first.bytes)
  await pass(10_000)
  expect([completed, isMember(adopted[1], 'user-1'), tokens()]).toEqual([[first.hash], true, ['1.1', '1.2']])
})

test('the first version does not wait for a list that the edge refuses, but three seconds for one that is on its way', async () => {
  const { adopter, tokens, pass } = makeWorld()
  adopter.offer(copyOf(1, first.hash))
  await pass(0)
  expect(tokens()).toEqual(['1.1'])
  const other = makeWorld()
  other.hanging.edge = true
  other.adopter.offer(copyOf(1, first.hash))
  await other.pass(2_999)
  expect(other.tokens()).toEqual([])
  await other.pass(1)
  expect(other.tokens()).toEqual(['1.1'])
})

test.each(['store', 'bootstrap'] as const)(
  'a first version from %s waits for the lists that are kept, and not for the edge',
  async (origin) => {
    const { adopter, adopted, hanging, kept, tokens, pass } = makeWorld()
    hanging.edge = true
    kept.set(first.hash, first.bytes)
    adopter.offer({ ...copyOf(1, first.hash), origin })
    expect(tokens()).toEqual([])
    await pass(0)
    expect([tokens(), isMember(adopted[0], 'user-1')]).toEqual([['1.1'], true])
    const other = makeWorld()
    other.hanging.edge = true
    other.adopter.offer({ ...copyOf(1, first.hash), origin })
    await other.pass(0)
    expect(other.tokens()).toEqual(['1.1'])
  },
)

test('a store that does not answer is waited for a second, and then the edge is asked', async () => {
  const { adopter, adopted, hanging, blobs, asked, pass } = makeWorld()
  hanging.store = true
  blobs.set(first.hash, first.bytes)
  adopter.offer(copyOf(1, first.hash))
  await pass(999)
  expect(asked).toEqual([])
  await pass(1)
  expect(isMember(adopted[0], 'user-1')).toBe(true)
})

test('nothing is taken into use after the end', async () => {
  const { adopter, tokens, pass } = makeWorld()
  adopter.close()
  adopter.offer(copyOf(1, null))
  await pass(10_000)
  expect(tokens()).toEqual([])
})

test('versions that follow each other while a list is waited for do not wait longer together, and the newest is taken', async () => {
  const { adopter, hanging, pass, tokens } = makeWorld()
  hanging.edge = true
  for (let version = 1; version <= 4; version++) {
    adopter.offer(copyOf(version, first.hash))
    await pass(800) // oxlint-disable-line no-await-in-loop -- one after the other
  }
  expect(tokens()).toEqual(['1.4'])
})

test('bytes of another hash are not taken, neither from the edge nor from where they were kept', async () => {
  const { adopter, adopted, blobs, kept, fetched, pass } = makeWorld()
  blobs.set(first.hash, second.bytes)
  kept.set(first.hash, second.bytes)
  adopter.offer(copyOf(1, first.hash))
  await pass(3_000)
  expect([evaluateFor(adopted[0], 'user-2').reason, fetched]).toEqual(['ERROR', []])
})

test('a list that was kept is not fetched', async () => {
  const { adopter, kept, asked, pass, tokens } = makeWorld()
  kept.set(first.hash, first.bytes)
  adopter.offer(copyOf(1, first.hash))
  await pass(0)
  expect([tokens(), asked]).toEqual([['1.1'], []])
})

test('a list that no version names any more is let go', async () => {
  const { adopter, blobs, asked, pass } = makeWorld()
  blobs.set(first.hash, first.bytes).set(second.hash, second.bytes)
  for (const [version, hash] of [first.hash, second.hash, first.hash].entries()) {
    adopter.offer(copyOf(version + 1, hash))
    await pass(0) // oxlint-disable-line no-await-in-loop -- one after the other
  }
  expect(asked).toEqual([first.hash, second.hash, first.hash])
})

function copyOf(version: number, hash: string | null): Copy {
  const rules = [{ id: 'r', when: { segment: 's' }, serve: { variant: 'on' } }]
  const members = { hash, count: 1, added: [], removed: [] }
  const body = formatBody([
    formatLine('flag', 'f', JSON.stringify({ ...baseFlag, rules })),
    formatLine('segment', 's', JSON.stringify({ ...baseSegment, ...(hash && { members }) })),
  ])
  return { origin: 'stream', signedHead: '', token: `1.${version}`, body, head: {} as Copy['head'] } // not looked at
}

function evaluateFor(adopted: Adopted | undefined, targetingKey: string) {
  if (!adopted) throw new Error('no version is in use')
  return evaluate(adopted.snapshot, 'f', { targetingKey }, 0)
}

function isMember(adopted: Adopted | undefined, targetingKey: string): boolean {
  return evaluateFor(adopted, targetingKey).reason === 'TARGETING_MATCH'
}

async function blobOf(id: string) {
  const { high, low } = fingerprintOf(id)
  const bytes = sealBlob(Uint32Array.of(high), Uint32Array.of(low), 1)
  return { bytes, hash: await sha256Hex(bytes) }
}
