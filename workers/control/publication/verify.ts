/** Whether what was published is what history says: each version compiled again, from its rows alone. */
import { and, asc, eq } from 'drizzle-orm'
import { formatVersion, type Version } from '@halyard/shared/protocol/version.ts'
import { reasonOf } from '../jobs.ts'
import type { EnvironmentScope } from '../ports.ts'
import type { Database } from '../store/database.ts'
import { heads } from '../store/schema.ts'
import { compile, compilerVersion, type Compiled } from './compile.ts'
import { readVersion, type CommittedState } from './read-history.ts'
import { sampleHash } from './sample.ts'

type HeadRow = typeof heads.$inferSelect

type Outcome = 'same' | 'same_decisions' | 'differs' | 'unknown'

/** What came of one published version; a version `token` of an environment. */
export interface Verified extends EnvironmentScope {
  readonly token: string
  /**
   * `same`: the same bytes. `same_decisions`: another compiler, which decides alike on the sample contexts. `differs`:
   * what was published is not what was committed. `unknown`: another compiler, and nothing to compare decisions with.
   * `failed`: it could not be told, and is tried again.
   */
  readonly outcome: Outcome | 'failed'
  /** What differs, for the log. */
  readonly detail?: string
}

interface VerifyOptions {
  readonly nowMs: () => number
  /** Every published version of this environment that is kept, in order; those of any that wait for it if left out. */
  readonly scope?: EnvironmentScope
  /** At most so many of those that wait, and none that would begin after so long. */
  readonly most?: number
  readonly forMs?: number
}

/**
 * Compiles published versions again from history and compares: hashes if they are of this compiler, else decisions on
 * sample contexts. Notes the outcome at each head, or that there was none: one that fails keeps no other from its turn.
 * Without a scope: those that were never verified, the oldest first, and among them the present head of each environment
 * once a day.
 */
export async function verifyHeads(
  db: Database,
  { nowMs, scope, most = waitingMax, forMs = Infinity }: VerifyOptions,
): Promise<Verified[]> {
  const end = nowMs() + forMs
  const places = scope ? await placesOf(db, scope) : await waiting(db, most)
  const verified: Verified[] = []
  for (const place of places) {
    if (nowMs() >= end) break
    const outcome = await tryHead(db, place, nowMs) // oxlint-disable-line no-await-in-loop -- one snapshot in memory at a time
    if (outcome) verified.push(outcome)
  }
  return verified
}

/** The same as a job: what differs, or could not be told, is an event of the log, to be alarmed about. */
export async function verifyWaiting(db: Database, nowMs: () => number): Promise<void> {
  for (const { outcome, ...what } of await verifyHeads(db, { nowMs, forMs: 25_000 })) {
    if (outcome === 'differs') console.error(JSON.stringify({ event: 'verification_failed', ...what }))
    if (outcome === 'failed') console.error(JSON.stringify({ event: 'verification_not_done', ...what }))
  }
}

/** More than fit into a run. */
const waitingMax = 500

interface Place {
  readonly scope: EnvironmentScope
  readonly at: Version
}

async function placesOf(db: Database, scope: EnvironmentScope): Promise<Place[]> {
  const { orgId, environmentId, epoch, version } = heads
  const [rows] = await db.read(scope.orgId, (read) => [
    read
      .select({ epoch, version })
      .from(heads)
      .where(and(eq(orgId, scope.orgId), eq(environmentId, scope.environmentId)))
      .orderBy(asc(epoch), asc(version)),
  ])
  return rows.map((at) => ({ scope, at }))
}

async function waiting(db: Database, most: number): Promise<Place[]> {
  const rows = await db.headsToVerify(most)
  return rows.map(({ org_id: orgId, environment_id: environmentId, epoch, version }) => ({
    scope: { orgId, environmentId },
    at: { epoch, version },
  }))
}

async function tryHead(db: Database, place: Place, nowMs: () => number): Promise<Verified | null> {
  const { scope, at } = place
  try {
    return await verifyHead(db, place, nowMs)
  } catch (error) {
    // The others come first from now on. If not even this can be written, the run ends.
    const set = { verifyFailedAt: new Date(nowMs()) }
    await db.write(scope.orgId, (tx) => tx.update(heads).set(set).where(ofHead(scope, at)))
    return { ...scope, token: formatVersion(at), outcome: 'failed', detail: reasonOf(error) }
  }
}

/** `null` if the version was pruned meanwhile. */
async function verifyHead(db: Database, { scope, at }: Place, nowMs: () => number): Promise<Verified | null> {
  const [[head]] = await db.read(scope.orgId, (read) => [read.select().from(heads).where(ofHead(scope, at))])
  const committed = await readVersion(db, scope, at)
  if (!head || committed === 'not_kept') return null
  const found =
    committed === 'never'
      ? ({ outcome: 'differs', detail: 'no such version was committed' } as const)
      : await compare(head, committed)
  const verification = found.outcome === 'unknown' ? null : found.outcome
  const set = { verification, verifiedAt: new Date(nowMs()), verifyFailedAt: null }
  await db.write(scope.orgId, (tx) => tx.update(heads).set(set).where(ofHead(scope, at)))
  return { ...scope, token: formatVersion(at), ...found }
}

interface Found {
  readonly outcome: Outcome
  readonly detail?: string
}

async function compare(head: HeadRow, { at, rows }: CommittedState): Promise<Found> {
  let compiled: Compiled
  try {
    compiled = await compile(head.environmentId, at, rows)
  } catch (error) {
    // It is pure: whatever was published, it was not made of these rows by this compiler.
    return head.compiler === compilerVersion
      ? { outcome: 'differs', detail: String(error) }
      : { outcome: 'unknown', detail: String(error) }
  }
  if (head.compiler !== compilerVersion) return await compareDecisions(head, compiled)
  const differing = hashes.filter((name) => head[name] !== compiled.head[name])
  return differing.length === 0 ? { outcome: 'same' } : { outcome: 'differs', detail: differing.join(', ') }
}

const hashes = ['snapshotHash', 'accessHash', 'clientHash'] as const

/** At the moment at which the decisions were noted: ramps and expiries go on. */
async function compareDecisions(
  { sampleHash: noted, publishedAt }: HeadRow,
  compiled: Compiled,
): Promise<Found> {
  const found = await sampleHash(compiled, publishedAt.getTime())
  if (noted === null || schemeOf(noted) !== schemeOf(found)) return { outcome: 'unknown' }
  return noted === found
    ? { outcome: 'same_decisions' }
    : { outcome: 'differs', detail: 'decisions on sample contexts' }
}

function schemeOf(sampled: string): string | undefined {
  return sampled.split('-', 1)[0]
}

function ofHead(scope: EnvironmentScope, at: Version) {
  return and(
    eq(heads.orgId, scope.orgId),
    eq(heads.environmentId, scope.environmentId),
    eq(heads.epoch, at.epoch),
    eq(heads.version, at.version),
  )
}
