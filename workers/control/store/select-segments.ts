/** The selections of segments and layers, over a transaction or a read batch alike. */
import { and, eq, getTableColumns, or, type SQL } from 'drizzle-orm'
import { environments, projects } from './schema.ts'
import { layers, segments, segmentStates } from './segment-schema.ts'
import { byText, type EnvironmentPath, type Selecting } from './select.ts'

export type SegmentRow = typeof segments.$inferSelect
export type LayerRow = typeof layers.$inferSelect

/** Segments of a project by key. */
export function selectSegments(db: Selecting, orgId: string, project: string, condition?: SQL) {
  return db
    .select(getTableColumns(segments))
    .from(segments)
    .innerJoin(projects, and(eq(projects.orgId, segments.orgId), eq(projects.id, segments.projectId)))
    .where(and(eq(segments.orgId, orgId), or(eq(projects.key, project), eq(projects.id, project)), condition))
    .orderBy(byText(segments.key))
}

const stateColumns = {
  environmentId: segmentStates.environmentId,
  segmentId: segmentStates.segmentId,
  state: segmentStates.state,
  stateRevision: segmentStates.revision,
  stateUpdatedAt: segmentStates.updatedAt,
}
export type SegmentStateRow = Awaited<ReturnType<typeof selectSegmentStates>>[number]

/** The states of a segment in every environment. */
export function selectSegmentStates(db: Selecting, orgId: string, segmentId: string) {
  return db
    .select(stateColumns)
    .from(segmentStates)
    .where(and(eq(segmentStates.orgId, orgId), eq(segmentStates.segmentId, segmentId)))
}

/** Segments with their state in one environment. */
export function selectSegmentsWithState(db: Selecting, orgId: string, at: EnvironmentPath, condition?: SQL) {
  return db
    .select({ ...getTableColumns(segments), ...stateColumns, environment: environments.key })
    .from(segments)
    .innerJoin(projects, and(eq(projects.orgId, segments.orgId), eq(projects.id, segments.projectId)))
    .innerJoin(
      environments,
      and(eq(environments.orgId, segments.orgId), eq(environments.projectId, projects.id)),
    )
    .innerJoin(
      segmentStates,
      and(
        eq(segmentStates.orgId, segments.orgId),
        eq(segmentStates.segmentId, segments.id),
        eq(segmentStates.environmentId, environments.id),
      ),
    )
    .where(
      and(
        eq(segments.orgId, orgId),
        or(eq(projects.key, at.project), eq(projects.id, at.project)),
        or(eq(environments.key, at.environment), eq(environments.id, at.environment)),
        condition,
      ),
    )
    .orderBy(byText(segments.key))
}

export type SegmentWithStateRow = SegmentRow & SegmentStateRow & { environment: string }

/** Layers of a project by key. */
export function selectLayers(db: Selecting, orgId: string, project: string, condition?: SQL) {
  return db
    .select(getTableColumns(layers))
    .from(layers)
    .innerJoin(projects, and(eq(projects.orgId, layers.orgId), eq(projects.id, layers.projectId)))
    .where(and(eq(layers.orgId, orgId), or(eq(projects.key, project), eq(projects.id, project)), condition))
    .orderBy(byText(layers.key))
}
