import {
  bigint,
  boolean,
  doublePrecision,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import { environments, flags } from './schema.ts'

/** Versions, the installation's switches, and usage, by the same rules as the tables of `schema.ts`. */

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' })
const orgId = () => text('org_id').notNull()

/** Every version that an environment was at: when, by whom, and where its change stands in the audit. */
export const environmentVersions = pgTable(
  'environment_versions',
  {
    orgId: orgId(),
    environmentId: text('environment_id').notNull(),
    epoch: integer('epoch').notNull(),
    version: integer('version').notNull(),
    createdAt: moment('created_at').notNull(),
    actor: text('actor').notNull(),
    /** The first audit entry of the change that made it. */
    auditSequence: integer('audit_sequence').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.environmentId, t.epoch, t.version] }),
    foreignKey({
      columns: [t.orgId, t.environmentId],
      foreignColumns: [environments.orgId, environments.id],
    }),
  ],
)

/** One row for the whole installation, of no tenant: operators write it, the application reads it. */
export const installation = pgTable('installation', {
  id: boolean('id').primaryKey().default(true),
  /** Since when nothing is published anywhere. */
  frozenAt: moment('frozen_at'),
  frozenComment: text('frozen_comment'),
})

/** How often each variant of a flag was given in an hour or, when that is old, in a day. Nothing of a context is kept. */
export const usageRollups = pgTable(
  'usage_rollups',
  {
    orgId: orgId(),
    environmentId: text('environment_id').notNull(),
    flagId: text('flag_id').notNull(),
    /** Empty where the flag gave none. */
    variant: text('variant').notNull(),
    /** The start of the hour; of a day for all of it. */
    hour: moment('hour').notNull(),
    /** Evaluations of this flag, asked for by its key. */
    evaluations: bigint('evaluations', { mode: 'number' }).notNull(),
    /** Answers for all flags that held it: whether anybody looked is not known. */
    deliveries: bigint('deliveries', { mode: 'number' }).notNull(),
    /** When the last window ended in which there was one; null if there was none. */
    lastEvaluatedAt: moment('last_evaluated_at'),
    lastDeliveredAt: moment('last_delivered_at'),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.environmentId, t.flagId, t.variant, t.hour] }),
    index('usage_rollups_hour').on(t.orgId, t.environmentId, t.hour),
    foreignKey({
      columns: [t.orgId, t.environmentId],
      foreignColumns: [environments.orgId, environments.id],
    }),
    foreignKey({ columns: [t.orgId, t.flagId], foreignColumns: [flags.orgId, flags.id] }),
  ],
)

/** The names of what is tracked, by the class of the keys that it came with; each class has room for so many. */
export const metrics = pgTable(
  'metrics',
  {
    orgId: orgId(),
    environmentId: text('environment_id').notNull(),
    source: text('source', { enum: ['server', 'client'] }).notNull(),
    name: text('name').notNull(),
    /** When the last window ended in which it happened. */
    lastAt: moment('last_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.environmentId, t.source, t.name] }),
    foreignKey({
      columns: [t.orgId, t.environmentId],
      foreignColumns: [environments.orgId, environments.id],
    }),
  ],
)

/** How often it happened in an hour or, when that is old, in a day. */
export const metricRollups = pgTable(
  'metric_rollups',
  {
    orgId: orgId(),
    environmentId: text('environment_id').notNull(),
    source: text('source', { enum: ['server', 'client'] }).notNull(),
    name: text('name').notNull(),
    /** The start of the hour; of a day for all of it. */
    hour: moment('hour').notNull(),
    count: bigint('count', { mode: 'number' }).notNull(),
    /** Of the given values; null if none was. */
    sum: doublePrecision('sum'),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.environmentId, t.source, t.name, t.hour] }),
    index('metric_rollups_hour').on(t.orgId, t.environmentId, t.hour),
    foreignKey({
      name: 'metric_rollups_metric',
      columns: [t.orgId, t.environmentId, t.source, t.name],
      foreignColumns: [metrics.orgId, metrics.environmentId, metrics.source, metrics.name],
    }),
  ],
)

/** Batches of events that were counted: one that comes again is not. */
export const usageBatches = pgTable(
  'usage_batches',
  {
    orgId: orgId(),
    environmentId: text('environment_id').notNull(),
    id: text('id').notNull(),
    receivedAt: moment('received_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.orgId, t.environmentId, t.id] }),
    index('usage_batches_received').on(t.orgId, t.receivedAt),
    foreignKey({
      columns: [t.orgId, t.environmentId],
      foreignColumns: [environments.orgId, environments.id],
    }),
  ],
)
