import { sql } from 'drizzle-orm'
import {
  foreignKey,
  integer,
  json,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import type { AppliedSegmentState } from '@halyard/shared/checks/applied-state.ts'
import type { Layer } from '@halyard/shared/contract/layer.ts'
import { environments, projects } from './schema.ts'

/** Segments and layers, by the same rules as the tables of `schema.ts`. */

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' })
const orgId = () => text('org_id').notNull()

export const segments = pgTable(
  'segments',
  {
    orgId: orgId(),
    id: text('id').notNull(),
    projectId: text('project_id').notNull(),
    key: text('key').notNull(),
    name: text('name').notNull(),
    description: text('description').notNull(),
    tags: text('tags').array().notNull(),
    revision: integer('revision').notNull().default(1),
    archivedAt: moment('archived_at'),
    createdAt: moment('created_at').notNull(),
    updatedAt: moment('updated_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    uniqueIndex('segments_key').on(t.orgId, t.projectId, sql`lower(${t.key})`),
    foreignKey({ columns: [t.orgId, t.projectId], foreignColumns: [projects.orgId, projects.id] }),
  ],
)

export const segmentStates = pgTable(
  'segment_states',
  {
    orgId: orgId(),
    environmentId: text('environment_id').notNull(),
    segmentId: text('segment_id').notNull(),
    state: json('state').$type<AppliedSegmentState>().notNull(),
    revision: integer('revision').notNull().default(1),
    updatedAt: moment('updated_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.environmentId, t.segmentId] }),
    foreignKey({
      columns: [t.orgId, t.environmentId],
      foreignColumns: [environments.orgId, environments.id],
    }),
    foreignKey({ columns: [t.orgId, t.segmentId], foreignColumns: [segments.orgId, segments.id] }),
  ],
)

export const layers = pgTable(
  'layers',
  {
    orgId: orgId(),
    id: text('id').notNull(),
    projectId: text('project_id').notNull(),
    key: text('key').notNull(),
    name: text('name').notNull(),
    description: text('description').notNull(),
    by: text('by').notNull(),
    seed: text('seed').notNull(),
    slots: json('slots').$type<Layer['slots']>().notNull(),
    revision: integer('revision').notNull().default(1),
    archivedAt: moment('archived_at'),
    createdAt: moment('created_at').notNull(),
    updatedAt: moment('updated_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    uniqueIndex('layers_key').on(t.orgId, t.projectId, sql`lower(${t.key})`),
    foreignKey({ columns: [t.orgId, t.projectId], foreignColumns: [projects.orgId, projects.id] }),
  ],
)
