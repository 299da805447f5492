/**
 * The evaluations of this isolate, counted in its memory and put on the queue some seconds later: to count costs an
 * increment, and no request waits for the queue. What an isolate has not sent when it ends is lost.
 */
import type { UsageCount, UsageMessage } from '@halyard/shared/contract/usage.ts'
import type { Decision } from '@halyard/shared/engine/model.ts'
import { makeTally, takeCounts, type Given, type Tally } from '@halyard/shared/engine/tally.ts'
import { toHex } from '@halyard/shared/protocol/ids.ts'
import { sizeOf, toMessages } from './usage-messages.ts'
import type { ViewPorts } from './view-state.ts'

/** What an isolate has counted and not sent. */
export interface Usage {
  readonly environments: Map<string, Counts>
  /** Those that the queue has not taken yet, oldest first. */
  unsent: readonly UsageMessage[]
  /** Until then a flush is on its way. */
  flushBy: number
  /** How long counts are gathered, in milliseconds. */
  readonly flushMs: number
  readonly send: (message: UsageMessage) => Promise<void>
}

/** By the decision that was given, which all evaluations with that result share. */
type Times = Map<Decision, number>

export interface Counts {
  /** Of flags that were asked for by their keys. */
  readonly evaluations: Times
  /** Of flags that were part of an answer for all: those that were counted as they were made, and others. */
  readonly tally: Tally
  readonly deliveries: Times
}

/** What counting needs of a request. */
export interface UsageScope {
  readonly edge: { readonly usage: Usage }
  readonly ports: Pick<ViewPorts, 'now' | 'sleep' | 'defer' | 'report'>
}

export const usageFlushMs = 10_000

/** A flush that has not begun so long after it should have was cut off with the request that it hung on. */
const flushGraceMs = 20_000
const environmentsMax = 1_000
const unsentCountsMax = 50_000
/** Of the calls that a request may make, not all. */
const sendsMax = 400

export function makeUsage(send: Usage['send'], flushMs: number): Usage {
  return { environments: new Map(), unsent: [], flushBy: -Infinity, flushMs, send }
}

/** Where evaluations of an environment are counted, and see to it that they are sent. */
export function countsOf({ edge: { usage }, ports }: UsageScope, environment: string): Counts {
  const now = ports.now()
  if (now >= usage.flushBy) {
    usage.flushBy = now + usage.flushMs + flushGraceMs
    ports.defer(flushLater(usage, ports))
  }
  const known = usage.environments.get(environment)
  if (known) return known
  if (usage.environments.size >= environmentsMax) gather(usage, ports)
  const counts: Counts = { evaluations: new Map(), tally: makeTally(), deliveries: new Map() }
  usage.environments.set(environment, counts)
  return counts
}

/** Counts decisions. What is unknown to who asks is not counted: of that there is no end. */
export function countDecisions(times: Times, decisions: readonly Decision[]): void {
  for (const decision of decisions) {
    if (decision.reason === 'ERROR' && decision.errorCode === 'FLAG_NOT_FOUND') continue
    times.set(decision, (times.get(decision) ?? 0) + 1)
  }
}

async function flushLater(usage: Usage, ports: UsageScope['ports']): Promise<void> {
  await ports.sleep(usage.flushMs)
  usage.flushBy = -Infinity
  gather(usage, ports)
  await sendAll(usage, ports)
}

/** Makes batches of what was counted, which then begins at zero. Too many that nobody takes push out the oldest. */
function gather(usage: Usage, { now, report }: UsageScope['ports']): void {
  const at = now()
  const made = Array.from(usage.environments, ([environment, counts]) =>
    toMessages({ environment, id: makeBatchId(), source: 'edge' }, takeAll(counts, at)),
  )
  usage.environments.clear()
  const all = [...usage.unsent, ...made.flat()]
  let room = unsentCountsMax
  const first = all.findLastIndex((message) => (room -= sizeOf(message)) < 0) + 1
  for (const { environment } of all.slice(0, first)) report(environment, 'usage was not taken, and is lost')
  usage.unsent = all.slice(first)
}

/** A batch stays until the queue has it: one that is sent twice is counted once. */
async function sendAll(usage: Usage, { report }: UsageScope['ports']): Promise<void> {
  const batch = usage.unsent.slice(0, sendsMax)
  const outcomes = await Promise.allSettled(batch.map(usage.send))
  const sent = new Set(batch.filter((_, index) => outcomes[index]?.status === 'fulfilled'))
  usage.unsent = usage.unsent.filter((message) => !sent.has(message))
  const [failed] = batch.filter((message) => !sent.has(message))
  if (failed) report(failed.environment, 'the queue did not take usage: it is tried again')
}

/** One count for each flag and variant. */
function takeAll({ evaluations, tally, deliveries }: Counts, to: number): readonly UsageCount[] {
  const given = [...takeCounts(tally), ...givenOf(deliveries)]
  return [...sum('evaluations', givenOf(evaluations), to), ...sum('deliveries', given, to)]
}

function givenOf(times: Times): Given[] {
  return Array.from(times, ([decision, times]) => ({
    flag: decision.key,
    variant: decision.reason === 'ERROR' ? null : decision.variant,
    times,
  }))
}

function sum(kind: UsageCount['kind'], given: readonly Given[], to: number): UsageCount[] {
  const sums = new Map<string, UsageCount>()
  for (const { flag, variant, times } of given) {
    // No flag's key holds a blank.
    const name = variant === null ? flag : `${flag} ${variant}`
    sums.set(name, { kind, flag, variant, count: (sums.get(name)?.count ?? 0) + times, to })
  }
  return [...sums.values()]
}

function makeBatchId(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)))
}
