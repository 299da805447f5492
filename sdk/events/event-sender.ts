/** Sends what was counted, in batches, now and then. Without I/O of its own; never throws or rejects. */
import { makeBackOff } from '../sync/back-off.ts'
import type { EventCounts } from './event-counts.ts'

/** What became of a batch. `taken`: or it never will be. `later`: it is to be sent again. */
export type Posted =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'later'; readonly retryAfterMs: number }

export interface EventSenderPorts {
  readonly counts: EventCounts
  /** Moves into `counts` what was counted elsewhere, if anything is. */
  readonly collect: () => void
  /** Never rejects. */
  readonly post: (body: string) => Promise<Posted>
  readonly makeId: () => string
  /** Epoch milliseconds. */
  readonly now: () => number
  readonly steadyNow: () => number
  readonly random: () => number
  readonly setTimer: (ms: number, run: () => void) => () => void
  readonly report: (what: string) => void
}

export interface EventSender {
  /** Sends all there is, unless the edge has asked for patience. */
  readonly flush: () => Promise<void>
  /** The same for the last time. */
  readonly close: () => Promise<void>
}

const periodMs = 60_000
/** So that a batch stays below the bytes of a request, whatever the keys in it. */
const eventsMax = 500
const retryMs = { first: 5_000, last: 300_000 }

/** Sends every minute or so. */
export function startEventSender(ports: EventSenderPorts): EventSender {
  const sender = makeEventSender(ports)
  let cancel: (() => void) | null = null
  const schedule = () => {
    cancel = ports.setTimer(periodMs * (0.5 + ports.random()), () => {
      schedule()
      void sender.flush()
    })
  }
  schedule()
  return {
    flush: sender.flush,
    close: async () => {
      cancel?.()
      await sender.flush()
    },
  }
}

/**
 * Sends when it is told to. While a batch cannot be sent counts go on to be summed up, so that what waits stays small
 * and nothing is lost.
 */
export function makeEventSender(ports: EventSenderPorts): Pick<EventSender, 'flush'> {
  const backOff = makeBackOff(retryMs.first, retryMs.last, ports.random)
  let batches: readonly string[] = []
  let barredUntil = -Infinity
  let sending: Promise<void> | null = null
  const send = async () => {
    for (;;) {
      if (batches.length === 0) batches = pack(ports)
      const [batch] = batches
      if (batch === undefined || ports.steadyNow() < barredUntil) return
      // oxlint-disable-next-line no-await-in-loop -- one after the other: a refusal holds for all
      const posted = await ports.post(batch)
      if (posted.kind === 'later') {
        barredUntil = ports.steadyNow() + backOff.next(posted.retryAfterMs)
        return
      }
      if (posted.kind === 'refused') ports.report(`a batch of counts was refused: ${posted.reason}`)
      backOff.reset()
      batches = batches.slice(1)
    }
  }
  return {
    flush: async () => {
      ports.collect()
      await sending // what it took did not hold what was counted since
      await (sending ??= send().finally(() => {
        sending = null
      }))
    },
  }
}

/** Each has an id of its own: one that comes twice is counted once. */
function pack({ counts, makeId, now }: EventSenderPorts): readonly string[] {
  const events = counts.take(now())
  const batches: string[] = []
  for (let at = 0; at < events.length; at += eventsMax)
    batches.push(JSON.stringify({ id: makeId(), events: events.slice(at, at + eventsMax) }))
  return batches
}
