/** Rows as the API shows them. */
import type { Flag, FlagInEnvironment } from '@halyard/shared/contract/flag.ts'
import type { Environment, Key, Project } from '@halyard/shared/contract/resources.ts'
import { formatVersion } from '@halyard/shared/protocol/version.ts'
import type { FlagRecord } from '../ports.ts'
import type { FlagRow, FlagWithStateRow, StateRow } from '../store/select.ts'
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

export function toEnvironment(row: typeof environments.$inferSelect): Environment {
  return {
    id: row.id,
    key: row.key,
    name: row.name,
    protected: row.protected,
    archived: row.archivedAt !== null,
    version: formatVersion(row),
    createdAt: row.createdAt.toISOString(),
  }
}

export function toFlag(row: FlagRow): Flag {
  return {
    id: row.id,
    key: row.key,
    valueType: row.valueType,
    name: row.name,
    description: row.description,
    tags: row.tags,
    kind: row.kind,
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

/** What history keeps of a flag: all that evaluation needs, and the names of its rules. */
export function toRecord(flag: FlagRow, state: StateRow['state']): FlagRecord {
  return {
    key: flag.key,
    valueType: flag.valueType,
    variants: flag.variants,
    seed: flag.seed,
    clientVisible: flag.clientVisible,
    archived: flag.archivedAt !== null,
    state,
  }
}
