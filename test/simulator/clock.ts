/** Time that stands still until the next thing is due. */
export interface Clock {
  /** Epoch milliseconds. */
  readonly now: () => number
  /** Calls back once, after so many milliseconds, unless it is cancelled by what it returns. */
  readonly after: (ms: number, run: () => void) => () => void
  readonly sleep: (ms: number) => Promise<void>
  /** Lets everything happen that is due up to that moment, each after all that follows from the one before. */
  readonly runUntil: (end: number, step: () => void) => Promise<void>
}

interface Due {
  readonly at: number
  readonly order: number
  readonly run: () => void
  isCancelled: boolean
}

export function makeClock(start: number): Clock {
  let now = start
  let order = 0
  const heap: Due[] = []
  const after = (ms: number, run: () => void) => {
    const due: Due = { at: now + Math.max(0, ms), order: (order += 1), run, isCancelled: false }
    push(heap, due)
    return () => {
      due.isCancelled = true
    }
  }
  const runUntil = async (end: number, step: () => void) => {
    for (;;) {
      await settled() // oxlint-disable-line no-await-in-loop -- one thing after the other
      const [first] = heap
      if (!first || first.at > end) break
      pop(heap)
      if (first.isCancelled) continue
      now = first.at
      first.run()
      await settled() // oxlint-disable-line no-await-in-loop -- one thing after the other
      step()
    }
    now = end
  }
  return { now: () => now, after, sleep: (ms) => new Promise((wake) => after(ms, wake)), runUntil }
}

/** Every promise that can settle without the clock has settled: immediates run after the last of them. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** A binary heap in an array, the earliest first. */
function push(heap: Due[], due: Due): void {
  let at = heap.length
  heap.push(due)
  while (at > 0) {
    const parentAt = (at - 1) >> 1
    const parent = heap[parentAt]
    if (!parent || !isBefore(due, parent)) break
    heap[at] = parent
    at = parentAt
  }
  heap[at] = due
}

function pop(heap: Due[]): void {
  const last = heap.pop()
  if (!last || heap.length === 0) return
  let at = 0
  for (;;) {
    const left = 2 * at + 1
    const [a, b] = [heap[left], heap[left + 1]]
    const child = b && a && isBefore(b, a) ? left + 1 : left
    const next = heap[child]
    if (!next || !isBefore(next, last)) break
    heap[at] = next
    at = child
  }
  heap[at] = last
}
