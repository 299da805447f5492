import { and, eq, getTableColumns, inArray, sql } from 'drizzle-orm'
import type { Json } from '@halyard/shared/engine/model.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { formatVersion } from '@halyard/shared/protocol/version.ts'
import { auditHash } from '../audit-chain.ts'
import type { Actor, Armed, Deps, HistoryRow } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import type { Tx } from '../store/database.ts'
import { environmentVersions } from '../store/publication-schema.ts'
import { auditEntries, environments, organizations, outbox, stateHistory } from '../store/schema.ts'
import { addWarnings, freezeWarnings } from './freeze-warnings.ts'
import { claimIdempotency, keepAnswer } from './idempotency.ts'

export type EnvironmentRow = typeof environments.$inferSelect

/** One change inside its transaction. */
export interface Change {
  readonly tx: Tx
  readonly actor: Actor
  readonly now: Date
  /** Raises environments by one version each, writes their history rows, and gives the tokens by environment key. */
  raise(
    raised: readonly EnvironmentRow[],
    history: (environment: EnvironmentRow) => readonly HistoryRow[],
  ): Promise<Versions>
  /** Adds the entry of one changed object; every one has exactly one. */
  audit(entry: AuditInput): Promise<void>
}

export type Versions = Record<string, string>

export interface AuditInput {
  readonly action: string
  readonly resource: string
  readonly project?: string
  readonly environment?: string
  readonly versions: Versions
  readonly before: unknown
  readonly after: unknown
  readonly comment?: string | undefined
}

/** What a use case answers: the object, and its entity tag if it has one. */
export interface Answer<R> {
  readonly result: R
  readonly etag?: string
}

/** The answer of a write; `isReplay` if the same request was answered before and nothing was done now. */
export type Written<R> = Answer<R> & { readonly isReplay: boolean }

/**
 * Runs one change in one transaction, in the order that publication relies on: the organization's row is locked
 * first (it orders all writes of a tenant), then the change is made, then every raised environment's publisher is
 * armed, then all of it is committed, and only then the publishers are told to go.
 */
export async function commitChange<R>(
  deps: Pick<Deps, 'db' | 'publishers' | 'nowMs'>,
  actor: Actor,
  apply: (change: Change) => Promise<Answer<R>>,
): Promise<Written<R>> {
  const raised = new Set<string>()
  let armed: Armed[] = []
  try {
    const written = await deps.db.write(actor.orgId, async (tx): Promise<Written<R>> => {
      const earlier = await claimIdempotency<Answer<R>>(tx, actor)
      if (earlier) return { ...earlier.answer, isReplay: true }
      const chain = await lockChain(tx, actor)
      const frozen = new Set<string>()
      const opened = { tx, actor, now: new Date(deps.nowMs()), chain, raised, frozen, entries: [] }
      const { result, ...tag } = await apply(beginChange(opened))
      const answer = { ...tag, result: addWarnings(result, freezeWarnings(frozen)) }
      await writeAudit(opened)
      await keepAnswer(tx, actor, answer)
      const arming = await Promise.allSettled(
        [...raised].map((environmentId) => deps.publishers.arm({ orgId: actor.orgId, environmentId })),
      )
      armed = arming.filter((one) => one.status === 'fulfilled').map((one) => one.value)
      const failed = arming.find((one) => one.status === 'rejected')
      if (failed) throw new Error('a publisher could not be armed', { cause: failed.reason })
      return { ...answer, isReplay: false }
    })
    for (const change of armed) change.go()
    return written
  } catch (error) {
    for (const change of armed) change.release()
    throw error
  }
}

interface ChainEnd {
  sequence: number
  hash: string
}

async function lockChain(tx: Tx, actor: Actor): Promise<ChainEnd> {
  const [row] = await tx
    .select({ sequence: organizations.auditSequence, hash: organizations.auditHash })
    .from(organizations)
    .where(eq(organizations.id, actor.orgId))
    .for('update')
  if (!row) throw new ProblemError('organization_not_found')
  return row
}

interface Opened {
  readonly tx: Tx
  readonly actor: Actor
  readonly now: Date
  readonly chain: ChainEnd
  readonly raised: Set<string>
  /** The keys of those that are raised and not published now. */
  readonly frozen: Set<string>
  /** Audit entries that are written with the change, at its end. */
  readonly entries: (typeof auditEntries.$inferInsert)[]
}

function beginChange(opened: Opened): Change {
  const { tx, actor, now } = opened
  return {
    tx,
    actor,
    now,
    raise: (rows, history) => raiseVersions(opened, rows, history),
    audit: (entry) => appendAudit(opened, entry),
  }
}

const isAllFrozen = sql<boolean>`exists (select from installation where frozen_at is not null)`

async function raiseVersions(
  { tx, actor, now, chain, raised, frozen }: Opened,
  rows: readonly EnvironmentRow[],
  history: (environment: EnvironmentRow) => readonly HistoryRow[],
): Promise<Versions> {
  if (rows.length === 0) return {}
  const updated = await tx
    .update(environments)
    .set({ version: sql`${environments.version} + 1` })
    .where(
      and(
        eq(environments.orgId, actor.orgId),
        inArray(
          environments.id,
          rows.map((row) => row.id),
        ),
      ),
    )
    .returning({ ...getTableColumns(environments), isAllFrozen })
  const behind = updated.find((row) => row.epochRequired)
  if (behind)
    throw new ProblemError('epoch_required', {
      detail: `environment ${behind.key} is frozen until its epoch is raised`,
    })
  const objects = updated.flatMap((row) =>
    history(row).map((object) => ({
      ...object,
      orgId: row.orgId,
      environmentId: row.id,
      epoch: row.epoch,
      version: row.version,
    })),
  )
  for (let start = 0; start < objects.length; start += 500)
    await tx.insert(stateHistory).values(objects.slice(start, start + 500))
  const made = updated.map((row) => ({
    orgId: row.orgId,
    environmentId: row.id,
    epoch: row.epoch,
    version: row.version,
  }))
  await tx.insert(outbox).values(made)
  const origin = { createdAt: now, actor: actor.keyId, auditSequence: chain.sequence + 1 }
  await tx.insert(environmentVersions).values(made.map((version) => ({ ...version, ...origin })))
  for (const row of updated) {
    raised.add(row.id)
    if (row.isAllFrozen || row.frozenAt !== null) frozen.add(row.key)
  }
  return versionsOf(updated)
}

/** The present version tokens of environments, by environment key. */
export function versionsOf(rows: readonly EnvironmentRow[]): Versions {
  return Object.fromEntries(rows.map((row) => [row.key, formatVersion(row)]))
}

async function appendAudit({ actor, now, chain, entries }: Opened, entry: AuditInput): Promise<void> {
  const content = {
    orgId: actor.orgId,
    id: makeId('aud', now.getTime()),
    sequence: chain.sequence + 1,
    time: now,
    actor: actor.keyId,
    action: entry.action,
    resource: entry.resource,
    project: entry.project ?? null,
    environment: entry.environment ?? null,
    versions: entry.versions,
    before: asJson(entry.before),
    after: asJson(entry.after),
    comment: entry.comment ?? null,
    requestId: actor.requestId,
    previousHash: chain.hash,
  }
  const hash = await auditHash(content)
  entries.push({ ...content, hash })
  chain.sequence = content.sequence
  chain.hash = hash
}

async function writeAudit({ tx, actor, chain, entries }: Opened): Promise<void> {
  if (entries.length === 0) return
  for (let start = 0; start < entries.length; start += 500)
    await tx.insert(auditEntries).values(entries.slice(start, start + 500)) // oxlint-disable-line no-await-in-loop -- one connection
  await tx
    .update(organizations)
    .set({ auditSequence: chain.sequence, auditHash: chain.hash })
    .where(eq(organizations.id, actor.orgId))
}

/** What JSON keeps of a value: the hash must cover what a later reader will see. */
function asJson(value: unknown): Json {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Json) // JSON.parse gives JSON
}
