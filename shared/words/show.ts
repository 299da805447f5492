/** Values, moments and shares as people read them. */
import { bucketCount, type Json, type Moment } from '../engine/model.ts'

const shownMax = 10
const textMax = 200

/** A value as JSON, cut where it is long; `nothing` if there is none. */
export function show(value: Json | undefined): string {
  const text = textOf(value)
  if (text === undefined) return 'nothing'
  return text.length > textMax ? `${text.slice(0, textMax)}…` : text
}

/** A context may hold what is no JSON: a bigint, a ring, what throws when it is looked at. */
function textOf(value: Json | undefined): string | undefined {
  try {
    return JSON.stringify(value) as string | undefined // of undefined it makes none
  } catch {
    return typeof value === 'object' ? 'what is no JSON' : String(value)
  }
}

/** A value as `show` gives it, but words without quotation marks, where they cannot be taken for anything else. */
export function showBare(value: Json | undefined): string {
  const isWord = typeof value === 'string' && /^[A-Za-z][\w-]{0,99}$/.test(value)
  return isWord && !['true', 'false', 'null'].includes(value) ? value : show(value)
}

/** Ten of a list, and how many more there are, joined by commas and a last `or` or `and`. */
export function showList(items: readonly string[], last: 'or' | 'and'): string {
  const shown = items.slice(0, shownMax)
  const rest = items.length - shown.length
  if (rest > 0) return `${shown.join(', ')} ${last} ${count(rest)} more`
  const end = shown.pop() ?? 'nothing'
  return shown.length === 0 ? end : `${shown.join(', ')} ${last} ${end}`
}

/** A number of buckets as a share, such as `12.5 %`. */
export function percent(buckets: number): string {
  return `${Number((buckets / (bucketCount / 100)).toFixed(3))} %`
}

/** A whole number with commas, such as `41,207`. */
export function count(number: number): string {
  return String(number).replaceAll(/\B(?=(?:\d{3})+$)/g, ',')
}

/** A moment in UTC: the day alone if it is midnight; what cannot be read as a moment stays as it is. */
export function showMoment(moment: Moment): string {
  const date = new Date(moment)
  if (Number.isNaN(date.getTime())) return String(moment)
  const [day = '', time = ''] = date.toISOString().split('T')
  const short = time.replace(/(?::00)?\.000Z$/, '').replace(/Z$/, '')
  return short === '00:00' ? day : `${day} ${short} UTC`
}
