import * as z from 'zod'
import type { Json } from '../engine/model.ts'

/** Any JSON. What is checked was parsed from JSON text, so that only its absence can be wrong. */
export const JsonValue = z
  .custom<Json>((value) => value !== undefined, 'is required')
  .meta({ id: 'JsonValue', description: 'Any JSON' })
