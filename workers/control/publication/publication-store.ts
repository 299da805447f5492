import { and, eq, lt, lte, or } from 'drizzle-orm'
import { compareVersions, type Version } from '@halyard/shared/protocol/version.ts'
import type { EnvironmentScope } from '../ports.ts'
import type { Database } from '../store/database.ts'
import { installation } from '../store/publication-schema.ts'
import { environments, heads, outbox } from '../store/schema.ts'
import { readBlob } from '../store/segment-blobs.ts'
import { raiseEnvironment } from '../usecases/system-change.ts'
import type { ConfirmedHead, KnownVersion, PublicationStore } from './publish.ts'
import { selectHistory, selectVersion } from './read-history.ts'

interface StoreDeps {
  readonly db: Database
  readonly nowMs: () => number
}

/** What publication needs, from Postgres. */
export function openPublicationStore(deps: StoreDeps): PublicationStore {
  const { db } = deps
  return {
    async readCommitted(scope) {
      const [[environment], [switches], rows] = await db.read(scope.orgId, (read) => [
        read.select().from(environments).where(isIt(scope)),
        read.select({ frozenAt: installation.frozenAt }).from(installation),
        selectHistory(read, scope),
      ])
      if (!environment) return null
      const { epoch, version, epochRequired: isEpochRequired } = environment
      const isFrozen = environment.frozenAt !== null || (switches?.frozenAt ?? null) !== null
      return { at: { epoch, version }, rows, isFrozen, isEpochRequired }
    },
    confirm: (scope, head) => confirm(deps, scope, head),
    readKnown: (scope, at) => readKnown(db, scope, at),
    async requireEpoch(scope, hubEpoch) {
      await db.write(scope.orgId, async (tx) => {
        await tx
          .update(environments)
          .set({ epochRequired: true, hubEpoch })
          .where(and(isIt(scope), lte(environments.epoch, hubEpoch))) // unless it was raised meanwhile
      })
    },
    async raise(scope, at, comment) {
      const isPast = ({ epoch, version }: Version) => epoch !== at.epoch || version !== at.version
      await raiseEnvironment(deps, scope, { action: 'environment.republish', comment, isDone: isPast })
    },
    readBlob: (scope, hash) => readBlob(db, { orgId: scope.orgId, hash }),
  }
}

async function readKnown(db: Database, scope: EnvironmentScope, at: Version): Promise<KnownVersion | null> {
  const { orgId, environmentId } = scope
  const isOf = and(eq(heads.orgId, orgId), eq(heads.environmentId, environmentId))
  const isAt = and(isOf, eq(heads.epoch, at.epoch), eq(heads.version, at.version))
  const [[environment], [head], [listed], rows] = await db.read(orgId, (read) => [
    read.select().from(environments).where(isIt(scope)),
    read.select().from(heads).where(isAt),
    selectVersion(read, scope, at),
    selectHistory(read, scope, at),
  ])
  if (!environment || !listed || compareVersions(at, environment) > 0) return null
  return { committedAt: listed.createdAt.getTime(), rows, published: head ?? null }
}

async function confirm(
  { db }: StoreDeps,
  { orgId, environmentId }: EnvironmentScope,
  head: ConfirmedHead,
): Promise<void> {
  const { epoch, version, snapshotHash, accessHash, clientHash, size, compiler, kid, sampleHash } = head
  const hashes = { snapshotHash, accessHash, clientHash, sampleHash }
  const publishedAt = new Date(head.publishedAt)
  await db.write(orgId, async (tx) => {
    await tx
      .insert(heads)
      .values({ orgId, environmentId, epoch, version, ...hashes, size, compiler, kid, publishedAt })
      .onConflictDoNothing()
    await tx
      .delete(outbox)
      .where(
        and(
          eq(outbox.orgId, orgId),
          eq(outbox.environmentId, environmentId),
          or(lt(outbox.epoch, epoch), and(eq(outbox.epoch, epoch), lte(outbox.version, version))),
        ),
      )
  })
}

function isIt({ orgId, environmentId }: EnvironmentScope) {
  return and(eq(environments.orgId, orgId), eq(environments.id, environmentId))
}
