import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** One thing to measure. `run(i)` is one operation, the i-th; what it gives is kept, so that no compiler drops it. */
export interface Subject {
  readonly name: string
  readonly run: (i: number) => unknown
  /** `run` gives a promise, which is waited for as a user would. */
  readonly isAsync?: boolean
  /** Other threads do part of the work. */
  readonly hasThreads?: boolean
}

export interface Figure {
  /**
   * Nanoseconds an operation, the median of the rounds: of this thread's processor time, which a busy machine disturbs
   * less than the clock's, or of the clock's if other threads work too.
   */
  readonly ns: number
  /** Bytes allocated an operation; NaN where that was not measured. */
  readonly bytes: number
}

/** Something whose loading is measured. What ends it again is not. */
export interface LoadSubject {
  readonly name: string
  readonly load: () => Promise<unknown>
  readonly hasThreads?: boolean
  readonly close: () => unknown
}

/** Eats the results. */
export const sink: { last: unknown } = { last: null }

const rounds = 9
const warmMs = 150
const roundMs = 25
const loadRounds = 15
const warmLoads = 5
const allocationBytesMax = 4_000_000
const allocationsMin = 20
const allocationsMax = 20_000
const sleepMs = 0.02
const sleepCell = new Int32Array(new SharedArrayBuffer(4))

/** Measures all subjects in random order in each round, after warming them all, and gives each one's figures by name. */
export async function measure(subjects: readonly Subject[]): Promise<Map<string, Figure>> {
  const counts = new Map<Subject, number>()
  const times = new Map<Subject, number[]>(subjects.map((subject) => [subject, []]))
  /* oxlint-disable no-await-in-loop -- one at a time, or they would take each other's time */
  for (const subject of subjects) counts.set(subject, await warm(subject))
  for (let round = 0; round < rounds; round++) {
    for (const subject of shuffled(subjects)) {
      const count = counts.get(subject) ?? 1
      times.get(subject)?.push((await time(subject, count)) / count)
    }
  }
  const figures = new Map<string, Figure>()
  for (const subject of subjects) {
    figures.set(subject.name, { ns: median(times.get(subject) ?? []), bytes: await allocated(subject) })
  }
  /* oxlint-enable no-await-in-loop */
  return figures
}

/** Loads all subjects in random order in each round, after some rounds that do not count. */
export async function measureLoads(subjects: readonly LoadSubject[]): Promise<Map<string, Figure>> {
  const times = new Map<string, number[]>()
  for (let round = 0; round < warmLoads + loadRounds; round++) {
    for (const subject of shuffled(subjects)) {
      const spent = await timeLoad(subject) // oxlint-disable-line no-await-in-loop -- one at a time
      if (round >= warmLoads) times.set(subject.name, [...(times.get(subject.name) ?? []), spent])
    }
  }
  return new Map(Array.from(times, ([name, each]) => [name, { ns: median(each), bytes: Number.NaN }]))
}

/** Nanoseconds of one load. */
export async function timeLoad({ load, close, hasThreads }: LoadSubject): Promise<number> {
  const clock = hasThreads ? clockNs : threadNs
  const start = clock()
  sink.last = await load()
  const spent = clock() - start
  await close()
  return spent
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Runs until the compilers have had their say, and finds how many operations fill a round. */
async function warm(subject: Subject): Promise<number> {
  /* oxlint-disable no-await-in-loop -- one after the other */
  for (let spent = 0; spent < warmMs * 1e6;) spent += await time(subject, 16)
  let count = 1
  while ((await time(subject, count)) < roundMs * 1e6 && count < 1e8) count *= 2
  /* oxlint-enable no-await-in-loop */
  return count
}

async function time(subject: Subject, count: number): Promise<number> {
  const clock = subject.hasThreads ? clockNs : threadNs
  const start = clock()
  await repeat(subject, count)
  return clock() - start
}

function clockNs(): number {
  return performance.now() * 1e6
}

/**
 * Linux brings a thread's processor time up to date when the thread is switched away from: hence the shortest of sleeps,
 * which is not in it.
 */
function threadNs(): number {
  Atomics.wait(sleepCell, 0, 0, sleepMs)
  const { user, system } = process.threadCpuUsage()
  return (user + system) * 1e3
}

/** Waits only where there is something to wait for. */
function repeat(subject: Subject, count: number): void | Promise<void> {
  if (subject.isAsync) return repeatAsync(subject, count)
  for (let i = 0; i < count; i++) sink.last = subject.run(i)
}

async function repeatAsync(subject: Subject, count: number): Promise<void> {
  for (let i = 0; i < count; i++) sink.last = await subject.run(i) // oxlint-disable-line no-await-in-loop
}

/** The growth of the heap over so few operations that the collector does not run between. */
async function allocated(subject: Subject): Promise<number> {
  const collect = collector()
  const grown = async (count: number) => {
    collect()
    const before = process.memoryUsage().heapUsed
    await repeat(subject, count)
    return process.memoryUsage().heapUsed - before
  }
  const medianOf = async (count: number) => {
    const all: number[] = []
    for (let i = 0; i < 5; i++) all.push(await grown(count)) // oxlint-disable-line no-await-in-loop
    return median(all)
  }
  const rough = Math.max(1, (await medianOf(allocationsMin)) / allocationsMin)
  const wanted = Math.floor(allocationBytesMax / rough)
  const count = Math.min(allocationsMax, Math.max(allocationsMin, wanted))
  const overhead = await medianOf(0)
  return Math.max(0, Math.round(((await medianOf(count)) - overhead) / count))
}

/** What collects garbage now. */
export function collector(): () => void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect !== 'function') throw new Error('this Node has no gc()')
  return () => collect()
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, order: Math.random() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item)
}
