/** Rows as the API shows them. */
import type { Flag, FlagInEnvironment } from '@halyard/shared/contract/flag.ts'
import type { Environment, Key, Project } from '@halyard/shared/contract/resources.ts'
import { formatVersion } from '@halyard/shared/protocol/version.ts'
import type { Layer } from '@halyard/shared/contract/layer.ts'
import type { Segment, SegmentInEnvironment } from '@halyard/shared/contract/segment.ts'
import type { EnvironmentViewRow } from '../store/select-environments.ts'
import type { FlagRow, FlagWithStateRow, StateRow } from '../store/select.ts'
import type { LayerRow, SegmentRow, SegmentStateRow, SegmentWithStateRow } from '../store/select-segments.ts'
import type { apiKeys, environments, projects } from '../store/schema.ts'

export function toProject(row: typeof projects.$inferSelect): Project {
  return {
    id: row.id,
    key: row.key,
    name: row.name,
    archived: row.archivedAt !== null,
    createdAt: row.createdAt.toISOString(),
  }
}

export function toEnvironment({ environment, installation, published }: EnvironmentViewRow): Environment {
  const own = frozenBy(environment, 'environment')
  const frozen = own ?? (installation && frozenBy(installation, 'installation'))
  return { ...recordEnvironment(environment), publishedVersion: published, frozen }
}

/** An environment as the audit keeps it: what of it is published is no part of a change. */
export function recordEnvironment(row: typeof environments.$inferSelect) {
  return {
    id: row.id,
    key: row.key,
    name: row.name,
    protected: row.protected,
    archived: row.archivedAt !== null,
    version: formatVersion(row),
    frozen: frozenBy(row, 'environment'),
    createdAt: row.createdAt.toISOString(),
  }
}

function frozenBy(
  { frozenAt, frozenComment }: { readonly frozenAt: Date | null; readonly frozenComment: string | null },
  scope: NonNullable<Environment['frozen']>['scope'],
): Environment['frozen'] {
  return frozenAt && { since: frozenAt.toISOString(), comment: frozenComment ?? '', scope }
}

export function toFlag(row: FlagRow): Flag {
  return {
    id: row.id,
    key: row.key,
    valueType: row.valueType,
    name: row.name,
    description: row.description,
    tags: row.tags,
    owner: row.owner,
    kind: row.kind,
    temporary: row.temporary,
    expiresAt: row.expiresAt?.toISOString() ?? null,
    onExpiry: row.expiryVariant === null ? 'keep' : { variant: row.expiryVariant },
    schema: row.valueSchema as Flag['schema'], // the same JSON, without readonly
    variants: row.variants as Flag['variants'], // the same JSON, without readonly
    clientVisible: row.clientVisible,
    seed: row.seed,
    archived: row.archivedAt !== null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

export function toFlagState(key: string, environment: string, row: StateRow) {
  return { key, environment, ...row.state, updatedAt: row.stateUpdatedAt.toISOString() }
}

export function toFlagInEnvironment(row: FlagWithStateRow): FlagInEnvironment {
  const updatedAt = row.stateUpdatedAt > row.updatedAt ? row.stateUpdatedAt : row.updatedAt
  return { ...toFlag(row), ...row.state, environment: row.environment, updatedAt: updatedAt.toISOString() }
}

export function toKey(row: typeof apiKeys.$inferSelect & { environment: string | null }): Key {
  return {
    id: row.id,
    class: row.class,
    name: row.name,
    environment: row.environment,
    role: row.role,
    origins: row.origins,
    lastFour: row.lastFour,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    expiresAt: row.expiresAt?.toISOString() ?? null,
    revokedAt: row.revokedAt?.toISOString() ?? null,
    lastUsedOn: row.lastUsedOn,
  }
}

export function toSegment(row: SegmentRow): Segment {
  return {
    id: row.id,
    key: row.key,
    name: row.name,
    description: row.description,
    tags: row.tags,
    archived: row.archivedAt !== null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

export function toSegmentState(key: string, environment: string, row: SegmentStateRow) {
  return { key, environment, ...row.state, updatedAt: row.stateUpdatedAt.toISOString() }
}

export function toSegmentInEnvironment(row: SegmentWithStateRow): SegmentInEnvironment {
  const updatedAt = row.stateUpdatedAt > row.updatedAt ? row.stateUpdatedAt : row.updatedAt
  return { ...toSegment(row), ...row.state, environment: row.environment, updatedAt: updatedAt.toISOString() }
}

export function toLayer(row: LayerRow): Layer {
  return {
    id: row.id,
    key: row.key,
    name: row.name,
    description: row.description,
    by: row.by,
    slots: row.slots,
    seed: row.seed,
    archived: row.archivedAt !== null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}
