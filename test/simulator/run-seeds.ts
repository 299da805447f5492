/** A thread of the simulator: runs every so many-th seed, and tells what it found. */
import { parentPort, workerData } from 'node:worker_threads'
import { runHistory } from './history.ts'

export interface Share {
  readonly firstSeed: number
  /** How many threads take turns. */
  readonly step: number
  /** So many histories at least. */
  readonly min: number
  /** More of them for so long, in milliseconds. */
  readonly budgetMs: number
}

export interface Found {
  readonly run: number
  readonly failures: readonly string[]
}

/** What is found wrong is told; more of the same tells nothing. */
const failuresMax = 3

const found = await runShare(workerData as Share) // what simulator.test.ts gives
parentPort?.postMessage(found) // oxlint-disable-line unicorn/require-post-message-target-origin -- of a thread, not of a window

async function runShare({ firstSeed, step, min, budgetMs }: Share): Promise<Found> {
  const begun = performance.now()
  const failures: string[] = []
  let run = 0
  while (failures.length < failuresMax && (run < min || performance.now() - begun < budgetMs)) {
    const { seed, faults } = await runHistory(firstSeed + run * step) // oxlint-disable-line no-await-in-loop -- one clock at a time
    if (faults.length > 0) failures.push(`seed ${seed}: ${faults.join('; ')}`)
    run += 1
  }
  return { run, failures }
}
