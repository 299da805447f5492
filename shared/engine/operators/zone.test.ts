import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { localTime, nextLocalTime, timeOfDay, weekday, zoneNamed } from './zone.ts'

const zones = [
  'UTC',
  'Europe/Dublin',
  'America/New_York',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Kiritimati',
  'Pacific/Chatham',
  'Africa/Casablanca',
  'Etc/GMT+5',
]
const dayMs = 86_400_000

test.each(zones)('clocks in %s show what the platform says', (name) => {
  const zone = zoneNamed(name)
  const moment = fc.oneof(
    fc.integer({ min: Date.UTC(2025, 0, 1), max: Date.UTC(2027, 0, 1) }),
    fc.integer({ min: Date.UTC(1880, 0, 1), max: Date.UTC(2040, 0, 1) }),
  )
  fc.assert(
    fc.property(moment, (ms) => {
      const shown = localTime(zone, ms)
      // Offsets of the past have seconds, and milliseconds are the same everywhere.
      expect(new Date(shown).toISOString().slice(0, 19)).toBe(platformTime(name, ms))
    }),
  )
})

test('a zone that changes within a quarter-hour is right on both sides of the change', () => {
  // Newfoundland's clocks went back at one minute past midnight, 02:31 UTC.
  const change = Date.UTC(2010, 10, 7, 2, 31)
  const zone = zoneNamed('America/St_Johns')
  for (const ms of [change - 1, change, change - 60_001, change + 60_000, change - 1]) {
    expect(new Date(localTime(zone, ms)).toISOString().slice(0, 19)).toBe(
      platformTime('America/St_Johns', ms),
    )
  }
})

test('moments beyond what the platform has give NaN, and the last ones do not', () => {
  const zone = zoneNamed('Asia/Tokyo')
  for (const ms of [NaN, Infinity, 8.64e15 + 1, -8.64e15 - 1]) expect(localTime(zone, ms)).toBeNaN()
  expect(nextLocalTime(zone, 1e21, [0])).toBe(Infinity)
  for (const ms of [8.64e15, -8.64e15]) expect(localTime(zone, ms)).not.toBeNaN()
})

test('a name that is no zone is refused by that name', () => {
  for (const name of ['', 'Mars/Olympus', '+01:00', '-05', 'Europe/Paris ']) {
    expect(() => zoneNamed(name), name).toThrow(new SyntaxError(`unknown time zone "${name}"`))
  }
})

test('days of the week and times of day, before 1970 too', () => {
  expect([0, 1, 2, 3, 4, 5, 6].map((day) => weekday(day * dayMs))).toEqual([4, 5, 6, 0, 1, 2, 3])
  expect([weekday(-1), weekday(-dayMs * 7 - 1), weekday(dayMs - 1)]).toEqual([3, 3, 4])
  expect([timeOfDay(0), timeOfDay(-1), timeOfDay(dayMs + 5)]).toEqual([0, dayMs - 1, 5])
})

test.each(zones)(
  'until the next local time in %s no clock passes one of the times, nor does the zone change',
  (name) => {
    const zone = zoneNamed(name)
    const moment = fc.integer({ min: Date.UTC(2026, 0, 1), max: Date.UTC(2026, 11, 31) })
    const times = fc.array(fc.integer({ min: 0, max: dayMs - 1 }), { maxLength: 2 })
    fc.assert(
      fc.property(moment, times, fc.double({ min: 0, max: 1, noNaN: true }), (now, marks, share) => {
        const next = nextLocalTime(zone, now, marks)
        expect(next).toBeGreaterThan(now)
        const later = now + Math.floor((next - 1 - now) * share)
        expect(localTime(zone, later) - later).toBe(localTime(zone, now) - now)
        const [start, end] = [timeOfDay(localTime(zone, now)), timeOfDay(localTime(zone, later))]
        expect(start <= end || !marks.includes(0)).toBe(true)
        for (const mark of marks) expect(mark > start && mark <= end, `passed ${mark}`).toBe(false)
      }),
    )
  },
)

/** The zone's clocks as `YYYY-MM-DDTHH:MM:SS`. */
function platformTime(timeZone: string, ms: number): string {
  const { year, month, day, hour, minute, second } = Object.fromEntries(
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
      .formatToParts(ms)
      .map(({ type, value }) => [type, value]),
  )
  return `${year}-${month}-${day}T${hour}:${minute}:${second}`
}
