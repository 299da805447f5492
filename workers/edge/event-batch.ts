/** A batch of events, checked by hand as `EventBatch` of the contract says. */
import type { EventCount, MetricCount, UsageCount } from '@halyard/shared/contract/usage.ts'
import type { Json } from '@halyard/shared/engine/model.ts'
import { parseMoment } from '@halyard/shared/engine/operators/moment.ts'
import { eventLimits } from '@halyard/shared/protocol/event-limits.ts'
import { Refusal } from './refusal.ts'
import { isJsonObject, type JsonObject } from './request-body.ts'

export interface Batch {
  readonly id: string
  readonly counts: readonly EventCount[]
}

const batchMembers = new Set(['id', 'events'])
const summaryMembers = new Set(['kind', 'flag', 'variant', 'count', 'from', 'to'])
const metricMembers = new Set(['kind', 'name', 'count', 'sum', 'from', 'to'])
const idForm = /^[A-Za-z0-9_-]{1,64}$/
/** Of flags and metrics alike. */
const nameForm = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/
const variantLengthMax = 100
const shownNameMax = 50
const momentLengthMax = 64
const momentForm =
  'is an RFC 3339 date and time with its offset, such as 2026-11-20T12:00:00Z, or epoch milliseconds'

/** Takes the whole batch or, by a refusal that says what is wrong where, nothing. `now` is epoch milliseconds. */
export function readBatch(members: JsonObject, now: number): Batch {
  checkMembers(members, batchMembers, 'the batch')
  const { id, events } = members
  if (typeof id !== 'string' || !idForm.test(id)) throw wrong('id', 'is 1 to 64 of A-Z a-z 0-9 _ -')
  if (!Array.isArray(events) || events.length === 0 || events.length > eventLimits.events)
    throw wrong('events', `is a list of 1 to ${eventLimits.events}`)
  return { id, counts: events.map((event: Json, index) => readEvent(event, `events/${index}`, now)) }
}

function readEvent(event: Json, at: string, now: number): EventCount {
  if (!isJsonObject(event)) throw wrong(at, 'is no JSON object')
  const { kind } = event
  if (kind === 'evaluations') return readSummary(event, at, now)
  if (kind === 'metric') return readMetric(event, at, now)
  // Exposures are refused, not passed over: who sends them means to see them somewhere.
  const allowed = '"evaluations" or "metric"'
  throw wrong(
    `${at}/kind`,
    kind === 'exposure' ? `"exposure" is not supported yet: ${allowed} is` : `is ${allowed}`,
  )
}

function readSummary(event: JsonObject, at: string, now: number): UsageCount {
  checkMembers(event, summaryMembers, at)
  const { flag, variant } = event
  if (typeof flag !== 'string' || !nameForm.test(flag)) throw wrong(`${at}/flag`, 'is not the key of a flag')
  if (variant !== null && !isVariant(variant))
    throw wrong(`${at}/variant`, `is a text of 1 to ${variantLengthMax}, or null for an error`)
  return { kind: 'evaluations', flag, variant, count: readCount(event, at), to: readWindow(event, at, now) }
}

function readMetric(event: JsonObject, at: string, now: number): MetricCount {
  checkMembers(event, metricMembers, at)
  const { name, sum } = event
  if (typeof name !== 'string' || !nameForm.test(name))
    throw wrong(`${at}/name`, 'is 1 to 100 of A-Z a-z 0-9 . _ -, starting with a letter or digit')
  if (sum !== undefined && !isSum(sum))
    throw wrong(`${at}/sum`, `is a number from -${eventLimits.sum} to ${eventLimits.sum}, or left out`)
  const counted = { count: readCount(event, at), sum: sum ?? null }
  return { kind: 'metrics', name, ...counted, to: readWindow(event, at, now) }
}

function readCount({ count }: JsonObject, at: string): number {
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 1 || count > eventLimits.count)
    throw wrong(`${at}/count`, `is a whole number from 1 to ${eventLimits.count}`)
  return count
}

function isSum(value: Json): value is number {
  return typeof value === 'number' && Math.abs(value) <= eventLimits.sum
}

function isVariant(value: Json | undefined): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= variantLengthMax
}

/** The end of a window: no later than now, however far the sender's clock is ahead. */
function readWindow({ from, to }: JsonObject, at: string, now: number): number {
  const start = readMoment(from, `${at}/from`)
  const end = readMoment(to, `${at}/to`)
  if (start > end) throw wrong(`${at}/from`, 'is after "to"')
  const here = `by the clock here, ${new Date(now).toISOString()}`
  if (start < now - eventLimits.pastMs) throw wrong(`${at}/from`, `is more than 24 hours ago, ${here}`)
  if (end > now + eventLimits.futureMs) throw wrong(`${at}/to`, `is more than 5 minutes ahead, ${here}`)
  return Math.min(end, now)
}

function readMoment(value: Json | undefined, at: string): number {
  const isOfForm =
    typeof value === 'number' ? Number.isInteger(value) : String(value).length <= momentLengthMax
  const moment = isOfForm ? parseMoment(value) : null
  if (moment === null) throw wrong(at, momentForm)
  return moment
}

function checkMembers(value: JsonObject, known: ReadonlySet<string>, at: string): void {
  const unknown = Object.keys(value).find((name) => !known.has(name))
  if (unknown === undefined) return
  const shown = JSON.stringify(unknown.slice(0, shownNameMax))
  throw wrong(at, `has ${shown}, which is not known: it takes ${[...known].join(', ')}`)
}

function wrong(at: string, what: string): Refusal {
  return new Refusal('INVALID_REQUEST', `${at} ${what}`)
}
