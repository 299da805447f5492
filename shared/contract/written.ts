import * as z from 'zod'
import { VersionToken } from './resources.ts'

/** The versions a write made, by environment key. */
export const Versions = z.record(z.string(), VersionToken)

/** Something that was saved, and is perhaps not what was meant. */
export const Warning = z
  .strictObject({
    code: z.string().meta({ description: 'A stable name of the kind', examples: ['unreachable_rule'] }),
    pointer: z.string().meta({
      description: 'A JSON pointer into the body, or into the state of the environment that it names',
      examples: ['/rules/1'],
    }),
    detail: z.string(),
  })
  .meta({ id: 'Warning' })
export type Warning = z.infer<typeof Warning>

export const Warnings = z.array(Warning).readonly()

/** What a write answers: the object, the versions it made, and what is perhaps not meant. */
export function written<Shape extends z.core.$ZodLooseShape>(object: z.ZodObject<Shape>) {
  return z.strictObject({ ...object.shape, versions: Versions, warnings: Warnings })
}

/** The body of an operation that says all it means by its name. */
export const Comment = z.strictObject({ comment: z.string().max(500).optional() })
