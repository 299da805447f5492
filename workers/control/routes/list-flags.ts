import { and, eq, isNotNull, isNull, sql, type SQL } from 'drizzle-orm'
import { readCursor } from '../http/page.ts'
import { flags } from '../store/schema.ts'
import { afterText } from '../store/select.ts'

interface FlagFilter {
  readonly cursor?: string | undefined
  readonly tag?: string | undefined
  readonly kind?: 'release' | 'experiment' | 'operational' | 'permission' | undefined
  readonly archived: 'true' | 'false'
  readonly text?: string | undefined
}

/** The flags that a list asks for, after its cursor. */
export function flagCondition({ cursor, tag, kind, archived, text }: FlagFilter): SQL | undefined {
  return and(
    afterText(flags.key, readCursor(cursor)),
    archived === 'true' ? isNotNull(flags.archivedAt) : isNull(flags.archivedAt),
    kind && eq(flags.kind, kind),
    tag === undefined ? undefined : sql`${tag} = any(${flags.tags})`,
    text === undefined
      ? undefined
      : sql`position(lower(${text}) in lower(${flags.key} || ' ' || ${flags.name} || ' ' || ${flags.description})) > 0`,
  )
}
