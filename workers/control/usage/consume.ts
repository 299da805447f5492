/** Takes usage from the queue. A message is acknowledged when it is counted, and comes again if it could not be. */
import { UsageMessage } from '@halyard/shared/contract/usage.ts'
import { eventLimits } from '@halyard/shared/protocol/event-limits.ts'
import { ProblemError } from '../problem.ts'
import { asProblem, type Database } from '../store/database.ts'
import { countMessages } from './count-messages.ts'
import type { MetricId } from './roll-up-metrics.ts'

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

interface Read {
  readonly queued: Queued
  readonly message: UsageMessage
}

/** Messages of one environment, which are counted together. */
type Group = readonly [Read, ...Read[]]

type Outcome = 'counted' | 'failed' | 'down'

const delayMaxSec = 3_600
const namesShown = 5

/**
 * Counts the messages of each environment together, one environment after the other. One that cannot be counted holds
 * up none that came with it: what fails is tried again by halves. Never throws.
 */
export async function consumeUsage(messages: readonly Queued[], deps: ConsumeDeps): Promise<void> {
  const waiting = byEnvironment(messages, deps)
  let isDown = false
  for (let group = waiting.shift(); group; group = waiting.shift()) {
    // One connection at a time; and what is down for one is down for the rest.
    // oxlint-disable-next-line no-await-in-loop
    const outcome: Outcome = isDown ? 'down' : await count(group, deps)
    isDown = outcome === 'down'
    const halves = outcome === 'failed' ? halve(group) : null
    if (halves) waiting.unshift(...halves)
    else if (outcome === 'counted') for (const { queued } of group) queued.ack()
    else for (const { queued } of group) retry(queued)
  }
}

/** What cannot be read is tried again as well: it may come from a newer edge, and ends among the dead letters. */
function byEnvironment(messages: readonly Queued[], { report }: ConsumeDeps): Group[] {
  const groups = new Map<string, [Read, ...Read[]]>()
  for (const queued of messages) {
    const { data: message, error } = UsageMessage.safeParse(queued.body)
    const group = message && groups.get(message.environment)
    if (group) group.push({ queued, message })
    else if (message) groups.set(message.environment, [{ queued, message }])
    else {
      report(error)
      retry(queued)
    }
  }
  return [...groups.values()]
}

async function count(group: Group, { db, nowMs, report }: ConsumeDeps): Promise<Outcome> {
  const messages = group.map(({ message }) => message)
  try {
    const { environment } = group[0].message
    const leftOut = await countMessages(db, environment, { messages, now: new Date(nowMs()) })
    if (leftOut.length > 0) report(tooManyNames(environment, leftOut))
    return 'counted'
  } catch (error) {
    report(error)
    const problem = asProblem(error)
    return problem instanceof ProblemError && problem.code === 'unavailable' ? 'down' : 'failed'
  }
}

/** Said in the log, and by `full` of the list of metrics: who sent them was answered before anybody knew. */
function tooManyNames(environment: string, leftOut: readonly MetricId[]): Error {
  const shown = leftOut.slice(0, namesShown).map(({ source, name }) => `${name} (${source})`)
  const most = `${eventLimits.metricNames} names are kept for each class of key`
  return new Error(
    `${environment}: ${leftOut.length} metrics were not counted, since ${most}: ${shown.join(', ')}`,
  )
}

function halve([first, ...others]: Group): Group[] | null {
  const [middle, ...rest] = others.splice(Math.floor(others.length / 2))
  return middle
    ? [
        [first, ...others],
        [middle, ...rest],
      ]
    : null
}

function retry(queued: Queued): void {
  queued.retry({ delaySeconds: Math.min(5 * 2 ** queued.attempts, delayMaxSec) })
}
