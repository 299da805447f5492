import { expect, test } from 'vitest'
import type { Head } from '@halyard/shared/protocol/head.ts'
import {
  earliest,
  judge,
  kvBegun,
  kvDueAt,
  kvFailed,
  kvIntervalMs,
  kvRepeatMs,
  kvUnderWayMs,
  kvWritten,
  wantedKv,
  type KvState,
} from './decide.ts'

const head = (epoch: number, version: number, hash = 'a', accessHash = 'k'): Head => ({
  environment: 'env_1',
  epoch,
  version,
  snapshotHash: hash,
  accessHash,
  clientHash: 'c',
  size: 1,
  schema: 1,
  compiler: 1,
  time: 0,
  kid: 'k1',
})

test.each([
  ['the first is applied', null, head(1, 1), 'apply'],
  ['a higher version is applied', head(1, 1), head(1, 2), 'apply'],
  ['versions may jump', head(1, 1), head(1, 9), 'apply'],
  ['a higher epoch beats a lower version', head(1, 9), head(2, 1), 'apply'],
  ['a lower version is behind', head(1, 2), head(1, 1), 'behind'],
  ['a lower epoch is behind whatever its version', head(2, 1), head(1, 9), 'behind'],
  ['the same is unchanged', head(1, 2), head(1, 2), 'unchanged'],
  ['the same version with another body is a conflict', head(1, 2), head(1, 2, 'b'), 'conflict'],
  ['the same version with another access record is a conflict', head(1, 2), head(1, 2, 'a', 'z'), 'conflict'],
] as const)('%s', (_, held, incoming, verdict) => {
  expect(judge(held, incoming)).toBe(verdict)
})

const never: KvState = { written: null, notBefore: 0, failures: 0 }

test('a KV value is due until it holds what it should', () => {
  expect(kvDueAt(never, '1.1')).toBe(0)
  expect(kvDueAt(kvWritten(never, '1.1', 5000), '1.1')).toBeNull()
})

test('a KV value is written at most once a second', () => {
  expect(kvDueAt(kvWritten(never, '1.1', 5000), '1.2')).toBe(6000)
})

test('a failed KV write is tried again after doubling waits of at most a minute', () => {
  let state: KvState = never
  const waits = Array.from({ length: 8 }, () => {
    state = kvFailed(state, 10_000)
    return state.notBefore - 10_000
  })
  expect(waits).toEqual([2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
})

test('a KV write that makes up for a failed one is repeated a minute later, until one was sure', () => {
  const first = kvWritten(kvFailed(kvWritten(never, '1.1', 0), 10_000), '1.2', 20_000)
  expect(kvDueAt(first, '1.3')).toBe(20_000 + kvIntervalMs)
  expect(kvDueAt(first, '1.2')).toBe(20_000 + kvIntervalMs + kvRepeatMs)
  expect(kvDueAt(kvWritten(first, '1.2', 90_000), '1.2')).toBeNull()
  const next = kvWritten(first, '1.3', 30_000)
  expect(kvDueAt(next, '1.3')).toBe(30_000 + kvIntervalMs + kvRepeatMs)
})

test('after a failure it is not known what KV holds, not even if it was what it should be', () => {
  expect(kvDueAt(kvFailed(kvWritten(never, '1.1', 0), 10_000), '1.1')).toBe(12_000)
})

test('while a KV write is under way no other is begun, and one that is never heard of again counts as failed', () => {
  const begun = kvBegun(kvWritten(never, '1.1', 0), 10_000)
  expect(['1.1', '1.2'].map((wanted) => kvDueAt(begun, wanted))).toEqual(Array(2).fill(10_000 + kvUnderWayMs))
  expect(kvDueAt(kvWritten(begun, '1.2', 30_000), '1.2')).toBe(30_000 + kvIntervalMs + kvRepeatMs)
})

test('the snapshot value moves with each version, the access value with its content only', () => {
  expect(wantedKv('snapshot', head(1, 1))).not.toBe(wantedKv('snapshot', head(1, 2)))
  expect(wantedKv('access', head(1, 1))).toBe(wantedKv('access', head(1, 2)))
  expect(wantedKv('access', head(1, 1))).not.toBe(wantedKv('access', head(1, 2, 'a', 'z')))
})

test('the alarm is set to the earliest due time', () => {
  expect(earliest([null, 7, 3, null])).toBe(3)
  expect(earliest([null, null])).toBeNull()
})
