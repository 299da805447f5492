import * as z from 'zod'
import { VersionToken } from './resources.ts'

/** The versions a write made, by environment key. */
export const Versions = z.record(z.string(), VersionToken)

/** What a write answers: the object, and the versions it made. */
export function written<Shape extends z.core.$ZodLooseShape>(object: z.ZodObject<Shape>) {
  return z.strictObject({ ...object.shape, versions: Versions })
}

/** The body of an operation that says all it means by its name. */
export const Comment = z.strictObject({ comment: z.string().max(500).optional() })
