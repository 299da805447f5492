import { ProblemError } from '../problem.ts'
import { hourDays, rollUpDays } from './clean-usage.ts'

/** What is asked for: RFC 3339. */
export interface AskedSpan {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly by: 'hour' | 'day'
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs
const unitMs = { hour: hourMs, day: dayMs }
const daysMax = { hour: 7, day: rollUpDays }
const daysDefault = { hour: 7, day: 30 }

/** From the start of an hour or day. */
export function readSpan({ from, to, by }: AskedSpan, now: number): { from: Date; to: Date } {
  const end = to === undefined ? now : Date.parse(to)
  const oldest = by === 'hour' ? now - hourDays * dayMs : -Infinity
  const asked = from === undefined ? Math.max(end - daysDefault[by] * dayMs, oldest) : Date.parse(from)
  for (const [pointer, moment] of Object.entries({ from: asked, to: end }))
    if (moment < oldest)
      throw wrong(pointer, `is more than ${hourDays} days ago: by the hour no more is kept`)
  if (asked >= end) throw wrong('from', 'is not before `to`')
  if (end - asked > daysMax[by] * dayMs)
    throw wrong('from', `is more than ${daysMax[by]} days before \`to\`: by the ${by} no more is answered`)
  return { from: new Date(Math.floor(asked / unitMs[by]) * unitMs[by]), to: new Date(end) }
}

/** A moment in seconds as the API shows it. */
export function toTime(sec: number): string
export function toTime(sec: number | null | undefined): string | null
export function toTime(sec: number | null | undefined): string | null {
  return sec === null || sec === undefined ? null : new Date(sec * 1000).toISOString()
}

function wrong(pointer: string, detail: string): ProblemError {
  return new ProblemError('invalid_input', { errors: [{ pointer, detail }] })
}
