/** Local time in a time zone, from the zone data of the machine: the one thing that readers may not share. */
import { refuse } from '../shape.ts'

export interface Zone {
  readonly format: Intl.DateTimeFormat
  /** Quarter-hours of UTC that were asked for, by their number modulo `slotCount`, and their offsets. */
  readonly quarters: Float64Array
  readonly offsets: Float64Array
}

const dayMs = 86_400_000
const quarterMs = 900_000
const slotCount = 64
const zonesMax = 64
const momentMax = 8.64e15
const offsetForm = /GMT(?:([+\-\u2212])(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/

/** Making a format takes tens of microseconds and as many kilobytes. */
const zoneCache = new Map<string, Zone>()

/** The zone of an IANA name (`Europe/Paris`, `UTC`). Throws a SyntaxError if the machine knows none of that name. */
export function zoneNamed(name: string): Zone {
  const known = zoneCache.get(name)
  if (known) return known
  const quarters = new Float64Array(slotCount).fill(NaN)
  const zone = { format: makeFormat(name), quarters, offsets: new Float64Array(slotCount) }
  if (zoneCache.size >= zonesMax) zoneCache.clear()
  zoneCache.set(name, zone)
  return zone
}

/**
 * Milliseconds since 1970-01-01T00:00 by the clocks of the zone at a moment, in epoch milliseconds; NaN for a moment
 * beyond 100,000,000 days from 1970.
 */
export function localTime(zone: Zone, moment: number): number {
  return moment + offsetAt(zone, moment)
}

/** Milliseconds since local midnight, of a local time. */
export function timeOfDay(local: number): number {
  return local - Math.floor(local / dayMs) * dayMs
}

/** 0 for Sunday, to 6 for Saturday, of a local time. */
export function weekday(local: number): number {
  // 1970-01-01 was a Thursday.
  const days = Math.floor(local / dayMs) + 4
  return days - Math.floor(days / 7) * 7
}

/**
 * A moment after `now`, at or before the next at which the zone's clocks show one of the times of day (milliseconds
 * since midnight) or may be put forward or back, which happens at quarter-hours of UTC. Infinity for a `now` that has no local time.
 */
export function nextLocalTime(zone: Zone, now: number, timesOfDay: readonly number[]): number {
  const time = timeOfDay(localTime(zone, now))
  if (Number.isNaN(time)) return Infinity
  let next = (Math.floor(now / quarterMs) + 1) * quarterMs
  for (const other of timesOfDay) {
    const wait = other > time ? other - time : other - time + dayMs
    next = Math.min(next, now + wait)
  }
  return next
}

function makeFormat(name: string): Intl.DateTimeFormat {
  // Newer machines take offsets (`+01:00`) for zones, older ones do not.
  if (!/^[A-Za-z]/.test(name)) refuse(`unknown time zone "${name}"`)
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' })
  } catch {
    // The platform's error is of a class that the engine's callers do not expect.
    return refuse(`unknown time zone "${name}"`)
  }
}

/** Milliseconds to add to UTC: looked up once for each quarter-hour, because zones change at these only. */
function offsetAt(zone: Zone, moment: number): number {
  if (!(Math.abs(moment) <= momentMax)) return NaN
  const quarter = Math.floor(moment / quarterMs)
  const slot = quarter & (slotCount - 1)
  if (zone.quarters[slot] === quarter) return zone.offsets[slot] ?? NaN
  const offset = formatOffset(zone, moment)
  // Until 1972, and in a few zones later, they changed at other times too: such quarters are not remembered.
  if (formatOffset(zone, quarter * quarterMs) !== offset) return offset
  if (formatOffset(zone, (quarter + 1) * quarterMs - 1) !== offset) return offset
  zone.quarters[slot] = quarter
  zone.offsets[slot] = offset
  return offset
}

function formatOffset(zone: Zone, moment: number): number {
  const clamped = Math.max(-momentMax, Math.min(momentMax, moment))
  const [, sign, hours, minutes, seconds = 0] = offsetForm.exec(zone.format.format(clamped)) ?? []
  if (sign === undefined) return 0
  const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000
  return sign === '+' ? ms : -ms
}
