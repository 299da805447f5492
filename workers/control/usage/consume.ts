/** Takes usage from the queue. A message is acknowledged when it is counted, and comes again if it could not be. */
import { ProblemError } from '../problem.ts'
import { asProblem, type Database } from '../store/database.ts'
import { countMessage } from './count-message.ts'

/** What of a queue's message is used. */
export interface Queued {
  readonly body: unknown
  /** How often it was given, this time included. */
  readonly attempts: number
  readonly ack: () => void
  readonly retry: (options: { readonly delaySeconds: number }) => void
}

export interface ConsumeDeps {
  readonly db: Database
  readonly nowMs: () => number
  /** Hears of messages that were not counted. */
  readonly report: (error: unknown) => void
}

type Outcome = 'counted' | 'failed' | 'down'

const delayMaxSec = 3_600

/** Counts messages one after the other: each is a transaction of its own. Never throws. */
export async function consumeUsage(messages: readonly Queued[], deps: ConsumeDeps): Promise<void> {
  let isDown = false
  for (const message of messages) {
    // One connection at a time; and what is down for one is down for the rest.
    // oxlint-disable-next-line no-await-in-loop
    const outcome: Outcome = isDown ? 'down' : await consumeOne(message, deps)
    isDown = outcome === 'down'
    if (outcome === 'counted') message.ack()
    else message.retry({ delaySeconds: Math.min(5 * 2 ** message.attempts, delayMaxSec) })
  }
}

/** What cannot be read is tried again as well: it may come from a newer edge, and ends among the dead letters. */
async function consumeOne({ body }: Queued, { db, nowMs, report }: ConsumeDeps): Promise<Outcome> {
  try {
    await countMessage(db, body, new Date(nowMs()))
    return 'counted'
  } catch (error) {
    report(error)
    const problem = asProblem(error)
    return problem instanceof ProblemError && problem.code === 'unavailable' ? 'down' : 'failed'
  }
}
