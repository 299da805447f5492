import type { HubPublishApi, Publication, PublishAnswer } from '@halyard/shared/protocol/hub.ts'
import type { Head } from '@halyard/shared/protocol/head.ts'
import { formatVersion, type Version } from '@halyard/shared/protocol/version.ts'
import type { EnvironmentScope, HistoryRow } from '../ports.ts'
import type { Compiled } from './compile.ts'
import { isOurs } from './is-ours.ts'

/** The newest version of an environment, and what it is compiled from. */
export interface Committed {
  readonly at: Version
  readonly rows: readonly HistoryRow[]
  /** Its publishing is switched off, or that of the whole installation. */
  readonly isFrozen: boolean
  /** The database went back, and nobody raised the epoch yet. */
  readonly isEpochRequired: boolean
}

/** A version that this database was at. */
export interface KnownVersion {
  /** Epoch milliseconds. */
  readonly committedAt: number
  readonly rows: readonly HistoryRow[]
  /** What was noted when the hub confirmed it. */
  readonly published: Pick<Head, 'snapshotHash' | 'accessHash' | 'compiler'> | null
}

/** A version that the hub holds. */
export interface ConfirmedHead extends Omit<Head, 'kid' | 'time'> {
  /** null: it was signed by a key that this publisher does not know. */
  readonly kid: string | null
  /** Epoch milliseconds. */
  readonly publishedAt: number
  /** See `sampleHash`, at the moment `publishedAt`. */
  readonly sampleHash: string
}

/**
 * What publication needs of the primary database. Each call is one transaction, and may be repeated. A call that
 * rejects may have been carried out or not.
 */
export interface PublicationStore {
  /** What is committed at this moment; never a replica's answer. null: there is no such environment. */
  readCommitted(scope: EnvironmentScope): Promise<Committed | null>
  /** Notes that the hub holds this head, and clears what waited for it or for an older one. */
  confirm(scope: EnvironmentScope, head: ConfirmedHead): Promise<void>
  /** null: it never was at this version, or was put back behind it. Never a replica's answer. */
  readKnown(scope: EnvironmentScope, at: Version): Promise<KnownVersion | null>
  /**
   * The database went back behind `hubEpoch`: no more writes until the epoch is raised above it. Does nothing if it is
   * above it already.
   */
  requireEpoch(scope: EnvironmentScope, hubEpoch: number): Promise<void>
  /** The same content under the next version, audited. Does nothing if the environment is no longer at `at`. */
  raise(scope: EnvironmentScope, at: Version, comment: string): Promise<void>
  readBlob(scope: EnvironmentScope, hash: string): Promise<Uint8Array<ArrayBuffer> | null>
}

/** Everything that publication touches: a simulator gives its own. */
export interface PublishDeps {
  readonly store: PublicationStore
  /** Each call ends: what is not answered in time rejects. */
  readonly hub: Pick<HubPublishApi, 'publish' | 'storeBlob'>
  readonly nowMs: () => number
  /** Pure: the same rows give the same bytes. */
  readonly compile: (environment: string, at: Version, rows: readonly HistoryRow[]) => Promise<Compiled>
  /** What it decides on its sample contexts at a moment, epoch milliseconds (`sample.ts`). Pure. */
  readonly sample: (compiled: Compiled, nowMs: number) => Promise<string>
  readonly sign: (head: Omit<Head, 'kid'>) => Promise<string>
  /** Trusts what the hub trusts. */
  readonly verify: (signedHead: string) => Promise<Head | null>
}

/**
 * `published`: the hub holds this version. `frozen`: somebody switched publishing off. `went_back`: the hub is ahead
 * of the database, which was restored. `gone`: there is no such environment.
 */
export type PublishOutcome =
  | { readonly kind: 'published'; readonly at: Version }
  | { readonly kind: 'frozen' | 'went_back' | 'gone' }

/** So often others may publish newer versions in between before it is left to the next try. */
const attemptsMax = 10

/**
 * Compiles the newest committed version of an environment and hands it to the hub. May be repeated at any time, and
 * beside another publisher: the hub decides by version. Throws if something could not be reached, to be tried again.
 */
export async function publish(deps: PublishDeps, scope: EnvironmentScope): Promise<PublishOutcome> {
  const { store } = deps
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const committed = await store.readCommitted(scope)
    if (!committed) return { kind: 'gone' }
    if (committed.isFrozen) return { kind: 'frozen' }
    if (committed.isEpochRequired) return { kind: 'went_back' }
    const compiled = await deps.compile(scope.environmentId, committed.at, committed.rows)
    const answer = await offer(deps, scope, compiled)
    const atHub = answer.signedHead === null ? null : await deps.verify(answer.signedHead)
    if (answer.outcome !== 'refused') {
      const publishedAt = deps.nowMs()
      const sampleHash = await deps.sample(compiled, publishedAt)
      await store.confirm(scope, { ...compiled.head, kid: atHub?.kid ?? null, publishedAt, sampleHash })
      return { kind: 'published', at: committed.at }
    }
    if (!atHub) throw new Error(`the hub refused ${nameOf(compiled)}: ${answer.reason}`)
    // The same compiler makes one content of a version.
    const isConflict = answer.reason === 'conflict'
    const isOther = isConflict && atHub.compiler === compiled.head.compiler
    if (isOther || !(await isOurs(deps, scope, { atHub, compiled }))) {
      await store.requireEpoch(scope, atHub.epoch)
      return { kind: 'went_back' }
    }
    if (isConflict)
      await store.raise(scope, committed.at, newCompiler(atHub.compiler, compiled.head.compiler))
  }
  throw new Error(`${scope.environmentId} was published by others ${attemptsMax} times in a row`)
}

/** The hub takes a head only when it holds the blobs that the snapshot names: it says which it lacks, and gets them. */
async function offer(
  deps: PublishDeps,
  scope: EnvironmentScope,
  { head, body, access }: Compiled,
): Promise<Exclude<PublishAnswer, { outcome: 'missing_blobs' }>> {
  const { hub } = deps
  const { environmentId } = scope
  const signedHead = await deps.sign({ ...head, time: deps.nowMs() })
  const publication: Publication = { signedHead, body, access }
  const first = await hub.publish(environmentId, publication)
  if (first.outcome !== 'missing_blobs') return first
  for (const hash of first.hashes) await giveBlob(deps, scope, hash) // oxlint-disable-line no-await-in-loop -- one blob in memory at a time
  const second = await hub.publish(environmentId, publication)
  if (second.outcome === 'missing_blobs')
    throw new Error(`the hub lacks blobs of ${environmentId} that it was given: ${second.hashes.join()}`)
  return second
}

async function giveBlob({ store, hub }: PublishDeps, scope: EnvironmentScope, hash: string): Promise<void> {
  const { environmentId } = scope
  const bytes = await store.readBlob(scope, hash)
  if (!bytes) throw new Error(`blob ${hash} of ${environmentId} is not stored`)
  const outcome = await hub.storeBlob(environmentId, hash, bytes)
  if (outcome === 'refused') throw new Error(`the hub refused blob ${hash} of ${environmentId}`)
}

function nameOf({ head }: Compiled): string {
  return `${head.environment} at ${formatVersion(head)}`
}

function newCompiler(before: number, now: number): string {
  return `compiler ${now} gives another snapshot than compiler ${before} did`
}
