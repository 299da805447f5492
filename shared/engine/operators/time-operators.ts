/** `before`, `after`, `within`, `weekdayIn` and `timeOfDayIn`. A value that is no moment is of the wrong type. */
import { momentOf } from '../attribute.ts'
import { readOperands, readPair, type LeafScope, type Test } from './leaf.ts'
import { readMoment, readText, refuse, type Shape } from '../shape.ts'
import { localTime, nextLocalTime, timeOfDay, weekday, zoneNamed, type Zone } from './zone.ts'

const weekdays = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const

export function compileBefore({ leaf, attribute, wanted, times }: LeafScope): Test {
  const end = readMoment(leaf['value'], 'the operand of before')
  if (attribute.isClock) times.moments.push(end)
  return (run) => {
    const moment = momentOf(attribute, run)
    return !Number.isNaN(moment) && moment < end === wanted
  }
}

export function compileAfter({ leaf, attribute, wanted, times }: LeafScope): Test {
  const start = readMoment(leaf['value'], 'the operand of after')
  // The clock counts whole milliseconds: this is the first that comes after.
  if (attribute.isClock) times.moments.push(Math.floor(start) + 1)
  return (run) => {
    const moment = momentOf(attribute, run)
    return !Number.isNaN(moment) && moment > start === wanted
  }
}

export function compileWithin({ leaf, attribute, wanted, times }: LeafScope): Test {
  const [from, to] = readPair(leaf, 'the first moment, and the one that ends it', readMoment)
  if (from >= to) refuse('within takes the earlier moment first')
  if (attribute.isClock) times.moments.push(from, to)
  return (run) => {
    const moment = momentOf(attribute, run)
    return !Number.isNaN(moment) && (moment >= from && moment < to) === wanted
  }
}

export function compileWeekdayIn({ leaf, attribute, wanted, times }: LeafScope): Test {
  const days = new Set(readOperands(leaf, readWeekday))
  const zone = readZone(leaf)
  const midnight = 0
  if (attribute.isClock) times.recurring.push((now) => nextLocalTime(zone, now, [midnight]))
  return (run) => {
    const local = localTime(zone, momentOf(attribute, run))
    return !Number.isNaN(local) && days.has(weekday(local)) === wanted
  }
}

export function compileTimeOfDayIn({ leaf, attribute, wanted, times }: LeafScope): Test {
  const bounds = readPair(leaf, 'the first time of day, and the one that ends it', readTimeOfDay)
  const [from, to] = bounds
  if (from === to) refuse('timeOfDayIn takes two different times of day')
  const zone = readZone(leaf)
  if (attribute.isClock) times.recurring.push((now) => nextLocalTime(zone, now, bounds))
  return (run) => {
    const local = localTime(zone, momentOf(attribute, run))
    if (Number.isNaN(local)) return false
    const time = timeOfDay(local)
    const isIn = from < to ? time >= from && time < to : time >= from || time < to
    return isIn === wanted
  }
}

function readWeekday(value: unknown, what: string): number {
  const index = weekdays.findIndex((name) => name === value)
  return index !== -1 ? index : refuse(`${what} is none of monday to sunday`)
}

/** Milliseconds since midnight. */
function readTimeOfDay(value: unknown, what: string): number {
  const form = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/
  const [, hours, minutes, seconds = 0] = form.exec(readText(value, what)) ?? []
  if (hours === undefined) refuse(`${what} is no time of day from 00:00 to 23:59:59`)
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000
}

function readZone(leaf: Shape): Zone {
  return zoneNamed(leaf['zone'] === undefined ? 'UTC' : readText(leaf['zone'], '"zone"'))
}
