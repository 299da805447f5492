/** Moments: points in time as contexts and rules write them. */
import { colon, dash, dot, isDigit, letterCaseBit, plus, zero } from './ascii.ts'

const minuteMs = 60_000
const dayMs = 86_400_000
/** What JavaScript's own times can hold: 100,000,000 days on either side of 1970. */
const momentMax = 8.64e15
const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

const smallT = 0x74
const smallZ = 0x7a

/**
 * Epoch milliseconds of a moment: an RFC 3339 date-time with its offset (`2026-03-01T09:30:00.5+01:00`; `t` and `z`
 * may be small letters), or a number that is epoch milliseconds already. null for anything else: an unknown form, a
 * day that the month does not have, a number that is not finite or beyond 100,000,000 days from 1970. Fractions of
 * a second are cut to milliseconds. Second 60 is taken where a leap second can be, in the last minute of a UTC day,
 * and is the first second of the next day, as in POSIX time. Nothing is read from the machine: no clock, no zone.
 */
export function parseMoment(value: unknown): number | null {
  if (typeof value === 'number') return Math.abs(value) <= momentMax ? value : null
  return typeof value === 'string' ? parseDateTime(value) : null
}

function parseDateTime(text: string): number | null {
  const date = parseDate(text)
  const hour = digits(text, 11, 2)
  const minute = digits(text, 14, 2)
  const second = digits(text, 17, 2)
  // NaN, which `digits` gives for what is no number, is not within any bound.
  const isClock = hour <= 23 && minute <= 59 && second <= 60
  if (!isClock || (text.charCodeAt(10) | letterCaseBit) !== smallT) return null
  if (text.charCodeAt(13) !== colon || text.charCodeAt(16) !== colon) return null
  const fractionEnd = endOfFraction(text)
  const offset = parseOffset(text, fractionEnd)
  const minuteStart = date * dayMs + (hour * 60 + minute - offset) * minuteMs
  if (Number.isNaN(minuteStart)) return null
  if (second === 60 && (minuteStart + minuteMs) % dayMs !== 0) return null
  return minuteStart + second * 1000 + fractionMs(text, fractionEnd)
}

/** Days since 1970-01-01; NaN if it is no date. */
function parseDate(text: string): number {
  const year = digits(text, 0, 4)
  const month = digits(text, 5, 2)
  const day = digits(text, 8, 2)
  if (text.charCodeAt(4) !== dash || text.charCodeAt(7) !== dash) return NaN
  if (!(day >= 1 && day <= daysOf(year, month))) return NaN
  return daysSinceEpoch(year, month, day)
}

/** NaN for a month that there is not. */
function daysOf(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return month === 2 && isLeap ? 29 : (monthDays[month - 1] ?? NaN)
}

/** `days_from_civil` of Howard Hinnant, howardhinnant.github.io/date_algorithms.html: years begin in March. */
function daysSinceEpoch(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year
  const era = Math.floor(marchYear / 400)
  const yearOfEra = marchYear - era * 400
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  const leapDays = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100)
  return era * 146_097 + yearOfEra * 365 + leapDays + dayOfYear - 719_468
}

/** Where the seconds' fraction ends: 19 if there is none. */
function endOfFraction(text: string): number {
  if (text.charCodeAt(19) !== dot) return 19
  let end = 20
  while (isDigit(text.charCodeAt(end))) end += 1
  return end
}

function fractionMs(text: string, end: number): number {
  let ms = 0
  for (let i = 20, unit = 100; i < end && unit >= 1; i++, unit /= 10) {
    ms += (text.charCodeAt(i) - zero) * unit
  }
  return ms
}

/** Minutes east of UTC; NaN if the rest of the text is no offset, or a fraction without digits comes before it. */
function parseOffset(text: string, start: number): number {
  const sign = text.charCodeAt(start)
  if (start === 20) return NaN
  if ((sign | letterCaseBit) === smallZ) return text.length === start + 1 ? 0 : NaN
  const isForm = (sign === plus || sign === dash) && text.charCodeAt(start + 3) === colon
  const hours = digits(text, start + 1, 2)
  const minutes = digits(text, start + 4, 2)
  if (!isForm || text.length !== start + 6 || !(hours <= 23 && minutes <= 59)) return NaN
  return (sign === dash ? -1 : 1) * (hours * 60 + minutes)
}

/** The number that so many digits write; NaN if one of them is no digit. */
function digits(text: string, start: number, count: number): number {
  let value = 0
  for (let i = start; i < start + count; i++) {
    const code = text.charCodeAt(i)
    if (!isDigit(code)) return NaN
    value = value * 10 + (code - zero)
  }
  return value
}
