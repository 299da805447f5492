import { sql } from 'drizzle-orm'
import {
  boolean,
  date,
  foreignKey,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import type { AppliedFlagState } from '@halyard/shared/checks/applied-state.ts'
import type { Json } from '@halyard/shared/engine/model.ts'

/**
 * Every table carries `org_id`, and every foreign key carries it along, so that no row can point across tenants.
 * Row security, roles, grants, partitions and functions are in the hand-written migration `0001_security.sql`.
 * `json`, not `jsonb`, holds what users wrote: it keeps the order of names and any string.
 */

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' })
const orgId = () => text('org_id').notNull()

export const organizations = pgTable('organizations', {
  id: text('id').primaryKey(),
  key: text('key').notNull().unique(),
  name: text('name').notNull(),
  /** The end of the audit chain; its row is the lock that every write takes first. */
  auditSequence: integer('audit_sequence').notNull().default(0),
  auditHash: text('audit_hash').notNull().default(''),
  createdAt: moment('created_at').notNull().defaultNow(),
})

export const projects = pgTable(
  'projects',
  {
    orgId: orgId().references(() => organizations.id),
    id: text('id').notNull(),
    key: text('key').notNull(),
    name: text('name').notNull(),
    revision: integer('revision').notNull().default(1),
    archivedAt: moment('archived_at'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.id] }), unique('projects_key').on(t.orgId, t.key)],
)

export const environments = pgTable(
  'environments',
  {
    orgId: orgId(),
    id: text('id').notNull(),
    projectId: text('project_id').notNull(),
    key: text('key').notNull(),
    name: text('name').notNull(),
    protected: boolean('protected').notNull().default(false),
    epoch: integer('epoch').notNull().default(1),
    version: integer('version').notNull().default(0),
    /** Set when the hub holds a newer version than the database: writes stop until the epoch is raised. */
    epochRequired: boolean('epoch_required').notNull().default(false),
    /** The epoch of that newer version: the next one lies above it. */
    hubEpoch: integer('hub_epoch'),
    /** Since when its changes are kept and not published; null while they are. */
    frozenAt: moment('frozen_at'),
    frozenComment: text('frozen_comment'),
    /** The oldest version that history still rebuilds. */
    historyEpoch: integer('history_epoch').notNull().default(1),
    historyVersion: integer('history_version').notNull().default(1),
    revision: integer('revision').notNull().default(1),
    archivedAt: moment('archived_at'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    unique('environments_key').on(t.orgId, t.projectId, t.key),
    foreignKey({ columns: [t.orgId, t.projectId], foreignColumns: [projects.orgId, projects.id] }),
  ],
)

export const flags = pgTable(
  'flags',
  {
    orgId: orgId(),
    id: text('id').notNull(),
    projectId: text('project_id').notNull(),
    key: text('key').notNull(),
    name: text('name').notNull(),
    description: text('description').notNull(),
    tags: text('tags').array().notNull(),
    kind: text('kind', { enum: ['release', 'experiment', 'operational', 'permission'] }).notNull(),
    valueType: text('value_type', { enum: ['boolean', 'string', 'number', 'json'] }).notNull(),
    clientVisible: boolean('client_visible').notNull(),
    owner: text('owner').notNull().default(''),
    temporary: boolean('temporary').notNull().default(false),
    expiresAt: moment('expires_at'),
    /** The key of the variant that an expired flag gives; null: it goes on as before. */
    expiryVariant: text('expiry_variant'),
    /** The JSON Schema of its values. */
    valueSchema: json('value_schema').$type<{ [name: string]: Json }>(),
    seed: text('seed').notNull(),
    revision: integer('revision').notNull().default(1),
    archivedAt: moment('archived_at'),
    createdAt: moment('created_at').notNull(),
    updatedAt: moment('updated_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    uniqueIndex('flags_key').on(t.orgId, t.projectId, sql`lower(${t.key})`),
    foreignKey({ columns: [t.orgId, t.projectId], foreignColumns: [projects.orgId, projects.id] }),
  ],
)

export const variants = pgTable(
  'variants',
  {
    orgId: orgId(),
    flagId: text('flag_id').notNull(),
    key: text('key').notNull(),
    position: integer('position').notNull(),
    value: json('value').$type<Json>().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.flagId, t.key] }),
    foreignKey({ columns: [t.orgId, t.flagId], foreignColumns: [flags.orgId, flags.id] }),
  ],
)

export const flagStates = pgTable(
  'flag_states',
  {
    orgId: orgId(),
    environmentId: text('environment_id').notNull(),
    flagId: text('flag_id').notNull(),
    state: json('state').$type<AppliedFlagState>().notNull(),
    revision: integer('revision').notNull().default(1),
    updatedAt: moment('updated_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.environmentId, t.flagId] }),
    foreignKey({
      columns: [t.orgId, t.environmentId],
      foreignColumns: [environments.orgId, environments.id],
    }),
    foreignKey({ columns: [t.orgId, t.flagId], foreignColumns: [flags.orgId, flags.id] }),
  ],
)

export const apiKeys = pgTable(
  'api_keys',
  {
    orgId: orgId(),
    id: text('id').notNull(),
    projectId: text('project_id'),
    environmentId: text('environment_id'),
    class: text('class', { enum: ['server', 'client', 'management'] }).notNull(),
    role: text('role', { enum: ['viewer', 'editor', 'admin'] }),
    name: text('name').notNull(),
    hash: text('hash').notNull().unique(),
    lastFour: text('last_four').notNull(),
    origins: text('origins').array().notNull(),
    createdBy: text('created_by').notNull(),
    createdAt: moment('created_at').notNull(),
    expiresAt: moment('expires_at'),
    revokedAt: moment('revoked_at'),
    lastUsedOn: date('last_used_on', { mode: 'string' }),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.id] }),
    foreignKey({ columns: [t.orgId, t.projectId], foreignColumns: [projects.orgId, projects.id] }),
    foreignKey({
      columns: [t.orgId, t.environmentId],
      foreignColumns: [environments.orgId, environments.id],
    }),
  ],
)

/** Partitioned by month of `time`; append-only. */
export const auditEntries = pgTable(
  'audit_entries',
  {
    orgId: orgId(),
    id: text('id').notNull(),
    sequence: integer('sequence').notNull(),
    time: moment('time').notNull(),
    actor: text('actor').notNull(),
    action: text('action').notNull(),
    resource: text('resource').notNull(),
    project: text('project'),
    environment: text('environment'),
    versions: jsonb('versions').$type<Record<string, string>>().notNull(),
    before: json('before').$type<Json>(),
    after: json('after').$type<Json>(),
    comment: text('comment'),
    requestId: text('request_id').notNull(),
    previousHash: text('previous_hash').notNull(),
    hash: text('hash').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.time, t.sequence] }),
    index('audit_entries_sequence').on(t.orgId, t.sequence),
  ],
)

/** The state of each object at each version that changed it; append-only. What publication compiles from. */
export const stateHistory = pgTable(
  'state_history',
  {
    orgId: orgId(),
    environmentId: text('environment_id').notNull(),
    kind: text('kind', { enum: ['flag', 'segment', 'layer', 'key'] }).notNull(),
    objectId: text('object_id').notNull(),
    epoch: integer('epoch').notNull(),
    version: integer('version').notNull(),
    /** null: the object is gone from this version on. */
    state: json('state').$type<Json>(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.environmentId, t.kind, t.objectId, t.epoch, t.version] }),
    foreignKey({
      columns: [t.orgId, t.environmentId],
      foreignColumns: [environments.orgId, environments.id],
    }),
  ],
)

/** What was published, when. Versions may jump: several changes may be published as the last of them. */
export const heads = pgTable(
  'heads',
  {
    orgId: orgId(),
    environmentId: text('environment_id').notNull(),
    epoch: integer('epoch').notNull(),
    version: integer('version').notNull(),
    snapshotHash: text('snapshot_hash').notNull(),
    accessHash: text('access_hash').notNull(),
    clientHash: text('client_hash').notNull(),
    size: integer('size').notNull(),
    compiler: integer('compiler').notNull(),
    /** The key that signed it; null before this was recorded. */
    kid: text('kid'),
    /** SHA-256 of its decisions on the sample contexts, at the moment of its head; null before this was recorded. */
    sampleHash: text('sample_hash'),
    publishedAt: moment('published_at').notNull(),
    /** When it was last compiled again from history, and whether that gave the same. */
    verifiedAt: moment('verified_at'),
    verification: text('verification', { enum: ['same', 'same_decisions', 'differs'] }),
    /** When that was last tried and could not be done. */
    verifyFailedAt: moment('verify_failed_at'),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.environmentId, t.epoch, t.version] }),
    foreignKey({
      columns: [t.orgId, t.environmentId],
      foreignColumns: [environments.orgId, environments.id],
    }),
  ],
)

/** Committed versions that the hub has not confirmed yet. */
export const outbox = pgTable(
  'outbox',
  {
    orgId: orgId(),
    environmentId: text('environment_id').notNull(),
    epoch: integer('epoch').notNull(),
    version: integer('version').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    claimedAt: moment('claimed_at'),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.environmentId, t.epoch, t.version] }),
    foreignKey({
      columns: [t.orgId, t.environmentId],
      foreignColumns: [environments.orgId, environments.id],
    }),
  ],
)

/** The answer is encrypted under a key that only the repeated request itself can make. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    orgId: orgId(),
    id: text('id').notNull(),
    requestHash: text('request_hash').notNull(),
    answer: text('answer'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (t) => [primaryKey({ columns: [t.orgId, t.id] }), index('idempotency_keys_created').on(t.createdAt)],
)
