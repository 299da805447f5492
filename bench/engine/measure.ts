import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** One thing to measure. `run(i)` is one operation, the i-th; what it gives is kept, so that no compiler drops it. */
export interface Subject {
  readonly name: string
  readonly run: (i: number) => unknown
}

export interface Figure {
  /** Nanoseconds an operation: the median of the rounds. */
  readonly ns: number
  /** Bytes allocated an operation. */
  readonly bytes: number
}

/** Eats the results. */
export const sink: { last: unknown } = { last: null }

const rounds = 9
const warmMs = 150
const roundMs = 25
const allocationBytesMax = 4_000_000

/** Measures all subjects in random order in each round, after warming them all, and gives each one's figures by name. */
export function measure(subjects: readonly Subject[]): Map<string, Figure> {
  const counts = subjects.map((subject) => warm(subject))
  const times = subjects.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const i of shuffled(subjects.length)) {
      const subject = subjects[i]
      const count = counts[i] ?? 1
      if (subject) times[i]?.push(time(subject, count) / count)
    }
  }
  return new Map(
    subjects.map((subject, i) => [subject.name, { ns: median(times[i] ?? []), bytes: allocated(subject) }]),
  )
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** Runs until the compilers have had their say, and finds how many operations fill a round. */
function warm(subject: Subject): number {
  for (let spent = 0; spent < warmMs * 1e6;) spent += time(subject, 16)
  let count = 1
  while (time(subject, count) < roundMs * 1e6 && count < 1e8) count *= 2
  return count
}

function time(subject: Subject, count: number): number {
  const start = process.hrtime.bigint()
  for (let i = 0; i < count; i++) sink.last = subject.run(i)
  return Number(process.hrtime.bigint() - start)
}

/** The growth of the heap over so few operations that the collector does not run between. */
function allocated(subject: Subject): number {
  const collect = collector()
  const grown = (count: number) => {
    collect()
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < count; i++) sink.last = subject.run(i)
    return process.memoryUsage().heapUsed - before
  }
  const rough = Math.max(1, grown(200) / 200)
  const count = Math.min(20_000, Math.max(200, Math.floor(allocationBytesMax / rough)))
  const overhead = median(Array.from({ length: 5 }, () => grown(0)))
  return Math.max(0, Math.round((median(Array.from({ length: 5 }, () => grown(count))) - overhead) / count))
}

function collector(): () => void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect !== 'function') throw new Error('this Node has no gc()')
  return () => collect()
}

function shuffled(length: number): number[] {
  const order = Array.from({ length }, (_, i) => i)
  for (let i = length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    const held = order[i] ?? 0
    order[i] = order[j] ?? 0
    order[j] = held
  }
  return order
}
