import { and, isNotNull, isNull, sql, type SQL } from 'drizzle-orm'
import { readCursor } from '../http/page.ts'
import { layers, segments } from '../store/segment-schema.ts'
import { afterText } from '../store/select.ts'

interface LayerFilter {
  readonly cursor?: string | undefined
  readonly archived: 'true' | 'false'
}

interface SegmentFilter extends LayerFilter {
  readonly tag?: string | undefined
  readonly text?: string | undefined
}

/** The segments that a list asks for, after its cursor. */
export function segmentCondition({ cursor, tag, archived, text }: SegmentFilter): SQL | undefined {
  return and(
    afterText(segments.key, readCursor(cursor)),
    archived === 'true' ? isNotNull(segments.archivedAt) : isNull(segments.archivedAt),
    tag === undefined ? undefined : sql`${tag} = any(${segments.tags})`,
    text === undefined
      ? undefined
      : sql`position(lower(${text}) in lower(${segments.key} || ' ' || ${segments.name} || ' ' || ${segments.description})) > 0`,
  )
}

/** The layers that a list asks for, after its cursor. */
export function layerCondition({ cursor, archived }: LayerFilter): SQL | undefined {
  return and(
    afterText(layers.key, readCursor(cursor)),
    archived === 'true' ? isNotNull(layers.archivedAt) : isNull(layers.archivedAt),
  )
}
