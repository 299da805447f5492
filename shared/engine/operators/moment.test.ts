import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseMoment } from './moment.ts'

test.each([
  ['1970-01-01T00:00:00Z', 0],
  ['1969-12-31T23:59:59.999Z', -1],
  ['2026-03-01T09:30:00+01:00', Date.UTC(2026, 2, 1, 8, 30)],
  ['2026-03-01T09:30:00-05:30', Date.UTC(2026, 2, 1, 15)],
  ['2026-03-01T09:30:00-00:00', Date.UTC(2026, 2, 1, 9, 30)],
  ['2026-03-01t09:30:00z', Date.UTC(2026, 2, 1, 9, 30)],
  ['2024-02-29T23:59:59Z', Date.UTC(2024, 1, 29, 23, 59, 59)],
  ['2000-02-29T00:00:00Z', Date.UTC(2000, 1, 29)],
  ['0000-01-01T00:00:00Z', -62_167_219_200_000],
  ['0000-02-29T00:00:00Z', -62_162_121_600_000],
  ['9999-12-31T23:59:59.999Z', 253_402_300_799_999],
  ['0000-01-01T00:00:00+23:59', -62_167_219_200_000 - 86_340_000],
])('%s is %d', (text, ms) => {
  expect(parseMoment(text)).toBe(ms)
})

test('a fraction of any length is cut to milliseconds', () => {
  const rows = [
    ['.1', 100],
    ['.12', 120],
    ['.123', 123],
    ['.1239999999999999999999', 123],
    ['.0009', 0],
    ['.000', 0],
  ] as const
  for (const [fraction, ms] of rows) expect(parseMoment(`1970-01-01T00:00:00${fraction}Z`), fraction).toBe(ms)
})

test('a leap second is the first second of the next UTC day, in every zone', () => {
  const next = Date.UTC(2017, 0, 1)
  expect(parseMoment('2016-12-31T23:59:60Z')).toBe(next)
  expect(parseMoment('2016-12-31T23:59:60.25Z')).toBe(next + 250)
  expect(parseMoment('2017-01-01T05:29:60+05:30')).toBe(next)
  expect(parseMoment('2016-12-31T18:59:60-05:00')).toBe(next)
})

test.each([
  '2016-12-31T22:59:60Z',
  '2016-12-31T23:59:60+01:00',
  '2016-12-31T23:58:60Z',
  '2016-12-31T23:59:61Z',
  '2026-02-29T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '1900-02-29T00:00:00Z',
  '2026-04-31T00:00:00Z',
  '2026-00-01T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-00T00:00:00Z',
  '2026-01-32T00:00:00Z',
  '2026-01-01T24:00:00Z',
  '2026-01-01T00:60:00Z',
  '2026-01-01T00:00:00',
  '2026-01-01T00:00:00+24:00',
  '2026-01-01T00:00:00+00:60',
  '2026-01-01T00:00:00+0000',
  '2026-01-01T00:00:00+00',
  '2026-01-01T00:00:00.Z',
  '2026-01-01T00:00:00,5Z',
  '2026-01-01T00:00:00ZZ',
  '2026-01-01T00:00:00Z\n',
  '2026-01-01T00:00:00+00:00Z',
  '2026-01-01 00:00:00Z',
  '2026-01-01_00:00:00Z',
  '2026-01-01T00:00Z',
  '2026/01/01T00:00:00Z',
  '2026-1-1T00:00:00Z',
  '+02026-01-01T00:00:00Z',
  '2026-01-01T00-00-00Z',
  '2026-01-01',
  '-026-01-01T00:00:00Z',
  ' 2026-01-01T00:00:00Z',
  '２０２６-01-01T00:00:00Z',
  '1750000000000',
  '',
])('"%s" is no moment', (text) => {
  expect(parseMoment(text)).toBeNull()
})

test('a number is epoch milliseconds, if JavaScript has times that far', () => {
  for (const ms of [0, -0, 1.5, -1, 8.64e15, -8.64e15]) expect(parseMoment(ms)).toBe(ms)
  for (const ms of [NaN, Infinity, -Infinity, 8.64e15 + 1, 1e21]) expect(parseMoment(ms)).toBeNull()
})

test('nothing else is a moment', () => {
  for (const value of [null, undefined, true, [0], {}, new Date(0), 0n]) expect(parseMoment(value)).toBeNull()
})

test('what the platform writes is read as the platform means it, with any offset', () => {
  const date = fc.date({
    min: new Date('0001-01-01T00:00:00Z'),
    max: new Date('9998-12-31T00:00:00Z'),
    noInvalidDate: true,
  })
  fc.assert(
    fc.property(date, fc.integer({ min: -1_439, max: 1_439 }), (moment, offset) => {
      const local = new Date(moment.getTime() + offset * 60_000).toISOString().slice(0, -1)
      const size = Math.abs(offset)
      const zone = [Math.floor(size / 60), size % 60].map((part) => String(part).padStart(2, '0')).join(':')
      expect(parseMoment(moment.toISOString())).toBe(moment.getTime())
      expect(parseMoment(`${local}${offset < 0 ? '-' : '+'}${zone}`)).toBe(moment.getTime())
    }),
  )
})
