/** Counts what was evaluated and tracked, and sends it in batches: `POST /v1/events`, shared/contract/usage.ts. */
import { post, readProblem, readRetryAfterMs, type Edge } from './post.ts'

export interface Sender {
  /** `variant` is null for an error. */
  readonly countFlag: (flag: string, variant: string | null) => void
  readonly countMetric: (name: string, value: number | undefined) => void
  /** From then on it sends by itself what is counted. */
  readonly start: () => void
  /** Sends what there is, and leaves no timer; the rest waits for another start. Never rejects. */
  readonly stop: () => Promise<void>
  /** Sends what there is. Never rejects. */
  readonly flush: () => Promise<void>
  /** Sends what there is, for the last time, and waits a second for it. */
  readonly close: () => Promise<void>
}

interface Event {
  readonly kind: 'evaluations' | 'metric'
  readonly flag?: string
  readonly variant?: string | null
  readonly name?: string
  count: number
  sum?: number
}

interface Batch {
  readonly body: string
  sending: Promise<void> | null
}

interface State {
  readonly to: Edge
  readonly counts: Map<string, Event>
  readonly batches: Set<Batch>
  from: number
  isRunning: boolean
  timer: (() => void) | null
  /** By `ticks`: before that the edge does not want to be sent anything. */
  notBefore: number
  /** It was closed, or the key is not taken: nothing is kept or sent any more. */
  isOver: boolean
}

const periodMs = 30_000
const closeMs = 1_000
/** So that a batch fits into the 64 KiB that a browser sends after its page is gone. */
const eventsMax = 200
const batchesMax = 5
/** A batch holds sums up to 1e15. */
const valueMax = 1e12
const metricName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

export function makeSender(to: Edge): Sender {
  const state: State = {
    to,
    counts: new Map(),
    batches: new Set(),
    from: 0,
    isRunning: false,
    timer: null,
    notBefore: -Infinity,
    isOver: false,
  }
  let isWarned = false
  return {
    countFlag: (flag, variant) => {
      const event = at(state, `${flag} ${variant}`, () => ({ kind: 'evaluations', flag, variant, count: 0 }))
      event.count++
    },
    countMetric: (name, value) => {
      if (!metricName.test(name) || !(Math.abs(value ?? 0) < valueMax)) {
        if (!isWarned) to.logger?.warn(`halyard: track dropped "${name}": ${metricName}, below 1e12`)
        isWarned = true
        return
      }
      const event = at(state, name, () => ({ kind: 'metric', name, count: 0 }))
      event.count++
      if (value !== undefined) event.sum = (event.sum ?? 0) + value
    },
    start: () => {
      state.isRunning = true
      startTimer(state, 0)
    },
    stop: () => stop(state),
    flush: () => flush(state),
    close: () => close(state),
  }
}

function stop(state: State): Promise<void> {
  state.isRunning = false
  return flush(state)
}

function close(state: State): Promise<void> {
  return new Promise((resolve) => {
    const stopTimer = state.to.ports.after(closeMs, resolve, true)
    void stop(state).then(stopTimer).then(resolve)
    state.isOver = true
    state.batches.clear()
  })
}

/** The count of that name, which is sent some time from now. */
function at(state: State, name: string, make: () => Event): Event {
  const known = state.counts.get(name)
  if (known) return known
  if (state.counts.size === 0) state.from = state.to.ports.now()
  if (state.counts.size >= eventsMax) void flush(state)
  const made = make()
  state.counts.set(name, made)
  startTimer(state, 0)
  return made
}

function startTimer(state: State, atLeastMs: number): void {
  const { after, random } = state.to.ports
  if (state.isRunning)
    state.timer ??= after(Math.max(atLeastMs, periodMs) * (1 + random()), () => void flush(state))
}

async function flush(state: State): Promise<void> {
  state.timer?.()
  state.timer = null
  pack(state)
  const waitMs = state.notBefore - state.to.ports.ticks()
  if (waitMs > 0) return startTimer(state, waitMs)
  // All at once: a page that goes away has no time for one after the other.
  await Promise.all([...state.batches].map((batch) => (batch.sending ??= deliver(state, batch))))
}

function pack({ counts, batches, from, to: { ports }, isOver }: State): void {
  const events = [...counts.values()]
  counts.clear()
  if (events.length === 0 || isOver) return
  const now = ports.now()
  // One that comes again under its id is counted once.
  const id = `${now}-${ports.random()}`.replace('.', '')
  // A clock may be set back.
  const timed = events.map((event) => ({ ...event, from: Math.min(from, now), to: now }))
  batches.add({ body: JSON.stringify({ id, events: timed }), sending: null })
  for (const batch of batches) if (batches.size > batchesMax) batches.delete(batch)
}

async function deliver(state: State, batch: Batch): Promise<void> {
  const letter = { path: '/v1/events', body: batch.body, keepalive: true }
  const isDone = await post(state.to, letter, (response) => settle(state, response)).catch(() => false) // it could not be reached
  batch.sending = null
  if (isDone) state.batches.delete(batch)
  else startTimer(state, state.notBefore - state.to.ports.ticks())
}

/** Whether it was taken, or never will be. */
async function settle(state: State, response: Response): Promise<boolean> {
  const { status } = response
  if ((await readProblem(response)).isRefused) state.isOver = true
  if (status < 500 && status !== 429) return true
  state.notBefore = state.to.ports.ticks() + readRetryAfterMs(response)
  return false
}
