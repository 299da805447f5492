/** Cuts a page out of one row more than was asked for. The cursor is what the page ended with, in base64url. */
import { base64url } from 'jose'
import { ProblemError } from '../problem.ts'

export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  shape: { item: (row: Row) => Item; cursor: (row: Row) => string },
) {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const nextCursor = rows.length > limit && last !== undefined ? base64url.encode(shape.cursor(last)) : null
  return { items: shown.map(shape.item), nextCursor }
}

/** What a cursor stands for. */
export function readCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(base64url.decode(cursor))
    if (text.isWellFormed() && !text.includes('\0')) return text
  } catch {
    // not base64url of UTF-8: the same answer as below
  }
  throw badCursor()
}

/** A cursor that no page of this list gave. */
export function badCursor(): ProblemError {
  return new ProblemError('invalid_input', {
    errors: [{ pointer: 'cursor', detail: 'is not the nextCursor of a page' }],
  })
}
