/** `node sdk/local/flags-schema.ts && npx oxfmt sdk/local` writes the JSON Schema of a file of flags, for editors. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { FlagFile } from '@halyard/shared/flag-file/flag-file.ts'

export const schemaPath = fileURLToPath(new URL('flags.schema.json', import.meta.url))

/** Made of what checks files, so that it cannot say otherwise; what no JSON Schema can say is left to that. */
export function makeFlagsSchema(): object {
  const { $schema, ...schema } = z.toJSONSchema(FlagFile, { io: 'input', unrepresentable: 'any' })
  const named = { $schema, title: 'Feature flags of Halyard', ...schema }
  // An `id` is a name among $defs here; as a keyword it is of an older draft.
  return JSON.parse(
    JSON.stringify(named, (name, value: unknown) =>
      name === 'id' && typeof value === 'string' ? undefined : value,
    ),
  )
}

if (import.meta.main) writeFileSync(schemaPath, JSON.stringify(makeFlagsSchema()))
