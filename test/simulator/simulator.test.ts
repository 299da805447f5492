/**
 * Histories of one environment, each from its seed: publishers, hub, relays, edge and readers are the product's own;
 * clock, network, KV, database and their mishaps are not. `SIM_SEEDS=N` runs so many instead of as many as fit,
 * `SIM_FIRST=N` begins elsewhere; `node test/simulator/replay.ts SEED` tells one history.
 */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { runHistory } from './history.ts'
import type { Found, Share } from './run-seeds.ts'

const firstSeed = Number(process.env['SIM_FIRST'] ?? 1)
const wanted = process.env['SIM_SEEDS'] === undefined ? null : Number(process.env['SIM_SEEDS'])
const threads = Math.min(4, availableParallelism())
/** A slow machine runs fewer histories, but never none. */
const budgetMs = 45_000
const seedsMin = 100

test(
  'in every history versions only rise, nothing is torn or lost, ages are honest, and all readers arrive at the head',
  { timeout: 24 * 3_600_000 },
  async () => {
    const share = {
      step: threads,
      min: Math.ceil((wanted ?? seedsMin) / threads),
      budgetMs: wanted === null ? budgetMs : 0,
    }
    const found = await Promise.all(
      Array.from({ length: threads }, (_, index) => runThread({ ...share, firstSeed: firstSeed + index })),
    )
    console.warn(`${found.reduce((sum, { run }) => sum + run, 0)} histories, from seed ${firstSeed}`)
    const failures = found.flatMap((one) => one.failures)
    expect(failures, 'replay each by `node test/simulator/replay.ts SEED`').toEqual([])
  },
)

test('the same seed gives the same history', async () => {
  const [first, again] = [await runHistory(7), await runHistory(7)]
  expect(first.log.length).toBeGreaterThan(100)
  expect(again.log).toEqual(first.log)
})

test('histories are as rich as they are meant to be', async () => {
  const logs: string[] = []
  for (let seed = 1; seed <= 20; seed++) logs.push(...(await runHistory(seed)).log) // oxlint-disable-line no-await-in-loop -- one clock at a time
  const all = logs.join('\n')
  for (const happening of [
    'is restored',
    'the epoch is raised',
    'crashes',
    'sleep',
    'cut ',
    'frozen for',
    'is replaced',
    'revoked',
    'went_back',
    'delta',
    'snapshot',
    'a KV write failed',
    'could not be told',
    'could not be asked',
  ])
    expect(all, happening).toContain(happening)
})

/** As Node runs it: twice as fast as what a test runner makes of it. */
async function runThread(workerData: Share): Promise<Found> {
  const worker = new Worker(join(import.meta.dirname, 'run-seeds.ts'), { workerData })
  const [found] = (await once(worker, 'message')) as [Found] // the one thing that it tells
  return found
}
