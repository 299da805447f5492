import { and, eq, lte, or, lt } from 'drizzle-orm'
import type { HubPublishApi, Publication, PublishAnswer } from '@halyard/shared/protocol/hub.ts'
import type { Head } from '@halyard/shared/protocol/head.ts'
import type { Version } from '@halyard/shared/protocol/version.ts'
import type { EnvironmentScope } from '../ports.ts'
import type { Database } from '../store/database.ts'
import { environments, heads, outbox } from '../store/schema.ts'
import { readBlob } from '../store/segment-blobs.ts'
import { compile, type Compiled } from './compile.ts'
import { readCommitted, type CommittedState } from './read-history.ts'

export interface PublishDeps {
  readonly db: Database
  readonly hub: HubPublishApi
  readonly nowMs: () => number
  readonly sign: (head: Omit<Head, 'kid'>) => Promise<string>
  readonly verify: (signedHead: string) => Promise<Head | null>
}

/** `published`: the hub holds this version. `went_back`: the hub is ahead of the database, which was restored. */
export type PublishOutcome =
  | { readonly kind: 'published'; readonly at: Version }
  | { readonly kind: 'went_back' }
  | { readonly kind: 'gone' }

/**
 * Compiles the newest committed version of an environment and hands it to the hub. May be repeated at any time: the
 * hub decides by version. Throws if something could not be reached, to be tried again.
 */
export async function publish(deps: PublishDeps, scope: EnvironmentScope): Promise<PublishOutcome> {
  for (let attempt = 0; ; attempt++) {
    const committed = await readCommitted(deps.db, scope)
    if (!committed) return { kind: 'gone' }
    const compiled = await compile(scope.environmentId, committed.at, committed.rows)
    const signedHead = await deps.sign({ ...compiled.head, time: deps.nowMs() })
    const { body, access } = compiled
    const answer = await publishWithBlobs(deps, scope, { signedHead, body, access })
    if (answer.outcome !== 'refused') {
      await confirm(deps, scope, compiled)
      return { kind: 'published', at: committed.at }
    }
    const hubAt = answer.signedHead === null ? null : await deps.verify(answer.signedHead)
    if (answer.reason === 'bad_signature' || answer.reason === 'bad_content' || !hubAt) {
      throw new Error(
        `the hub refused ${scope.environmentId} at ${committed.at.epoch}.${committed.at.version}: ${answer.reason}`,
      )
    }
    // Another publisher may have been faster: what it published must then be in the primary by now.
    if (attempt > 0) return await freeze(deps, scope, committed)
  }
}

/** The hub takes a head only when it holds the blobs that the snapshot names: it says which it lacks, and gets them. */
async function publishWithBlobs(
  { db, hub }: PublishDeps,
  { orgId, environmentId }: EnvironmentScope,
  publication: Publication,
): Promise<Exclude<PublishAnswer, { outcome: 'missing_blobs' }>> {
  const first = await hub.publish(environmentId, publication)
  if (first.outcome !== 'missing_blobs') return first
  for (const hash of first.hashes) {
    const bytes = await readBlob(db, { orgId, hash }) // oxlint-disable-line no-await-in-loop -- one blob in memory at a time
    if (!bytes) throw new Error(`blob ${hash} of ${environmentId} is not stored`)
    const outcome = await hub.storeBlob(environmentId, hash, bytes) // oxlint-disable-line no-await-in-loop -- the same
    if (outcome === 'refused') throw new Error(`the hub refused blob ${hash} of ${environmentId}`)
  }
  const second = await hub.publish(environmentId, publication)
  if (second.outcome === 'missing_blobs')
    throw new Error(`the hub lacks blobs of ${environmentId} that it was given: ${second.hashes.join()}`)
  return second
}

/** Records what the hub holds and clears what waited for it. */
async function confirm(
  { db, nowMs }: PublishDeps,
  { orgId, environmentId }: EnvironmentScope,
  { head }: Compiled,
): Promise<void> {
  const { epoch, version, snapshotHash, accessHash, clientHash, size, compiler } = head
  const publishedAt = new Date(nowMs())
  await db.write(orgId, async (tx) => {
    await tx
      .insert(heads)
      .values({
        orgId,
        environmentId,
        epoch,
        version,
        snapshotHash,
        accessHash,
        clientHash,
        size,
        compiler,
        publishedAt,
      })
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

/** The database holds less than was already published: stop writes until somebody raises the epoch. */
async function freeze(
  { db }: PublishDeps,
  { orgId, environmentId }: EnvironmentScope,
  committed: CommittedState,
): Promise<PublishOutcome> {
  const { epoch, version } = committed.at
  await db.write(orgId, async (tx) => {
    await tx
      .update(environments)
      .set({ epochRequired: true })
      .where(
        and(
          eq(environments.orgId, orgId),
          eq(environments.id, environmentId),
          eq(environments.epoch, epoch),
          eq(environments.version, version), // unless it was written meanwhile
        ),
      )
  })
  return { kind: 'went_back' }
}
