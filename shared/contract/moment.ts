import * as z from 'zod'
import { parseMoment } from '../engine/operators/moment.ts'

const form = 'an RFC 3339 date and time with its offset, such as 2026-11-20T12:00:00Z'

/** The range of ECMAScript's time values. */
const epochMax = 8.64e15

export const Moment = z
  .union([
    z
      .string()
      .max(64)
      .refine((text) => parseMoment(text) !== null, form),
    z.int().min(-epochMax).max(epochMax),
  ])
  .meta({
    id: 'Moment',
    description: 'An RFC 3339 text with its offset, or epoch milliseconds',
    examples: ['2026-11-20T12:00:00Z'],
  })
export type Moment = z.infer<typeof Moment>

/** Epoch milliseconds of a moment that parsed. */
export function momentMs(moment: Moment): number {
  return parseMoment(moment) ?? NaN
}
