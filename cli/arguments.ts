/** Texts of the command line, read. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Json } from '@halyard/shared/engine/model.ts'
import type { ValueType, Variant } from '@halyard/shared/contract/flag.ts'
import { usageError } from './command-error.ts'

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** A whole number in bounds. */
export function readCount(text: string, { option, max }: { option: string; max: number }): number {
  const number = Number(text)
  if (/^\d+$/.test(text) && number >= 1 && number <= max) return number
  throw usageError(`${option} is a number from 1 to ${max}, not "${text}"`)
}

/** A time as it stands, which the API checks; or so long from now, such as 7d. */
export function readMoment(text: string, nowMs: number): string {
  const [, number, unit] = /^([1-9]\d{0,3})([mhdw])$/.exec(text) ?? []
  if (number === undefined) return text
  return new Date(nowMs + Number(number) * unitMs[unit as keyof typeof unitMs]).toISOString() // one of the four
}

/** A value out of JSON; undefined if it is none. */
export function readJson(text: string): Json | undefined {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Numbers and booleans as such, anything else as text. */
export function readScalar(text: string): string | number | boolean {
  const value = readJson(text)
  return typeof value === 'number' || typeof value === 'boolean' ? value : text
}

/** `key=json`; for a flag of texts also `key=text`. */
export function readVariant(text: string, type: ValueType): Variant {
  const at = text.indexOf('=')
  if (at < 1) throw usageError(`--variant "${text}" is not of the form key=json`)
  const key = text.slice(0, at)
  const raw = text.slice(at + 1)
  const value = readJson(raw)
  if (type === 'string') return { key, value: typeof value === 'string' ? value : raw }
  if (value === undefined) throw usageError(`--variant "${text}": what follows = is not JSON`)
  return { key, value }
}

/** `a, b`; an empty text is no tags. */
export function readTags(text: string): string[] {
  return text
    .split(',')
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '')
}

/** The path of a file that was named on the command line. */
export function pathOf(file: string): string {
  // npm runs scripts in the folder of package.json, and says here where it was called.
  const folder = process.env['npm_lifecycle_event'] === 'halyard' ? process.env['INIT_CWD'] : undefined
  return resolve(folder ?? '.', file)
}

/** JSON out of a file, `-` is stdin. */
export function readJsonFile(file: string): Json {
  const text = readText(file)
  const value = readJson(text)
  if (value === undefined) throw usageError(`${file} is not JSON`)
  return value
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : pathOf(file), 'utf8')
  } catch (error) {
    throw usageError(`${file} cannot be read`, error instanceof Error ? error.message : String(error))
  }
}
