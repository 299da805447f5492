/** What is asked, by whom and for which context; and what it is answered from. */
import type { EvaluationContext, Json } from '@halyard/shared/engine/model.ts'
import type { Snapshot } from '@halyard/shared/engine/snapshot.ts'
import type { Freshness } from './answer.ts'
import { authorize, freshnessOf, type Grant } from './authorize.ts'
import { metMissing, provideBlobs } from './blobs.ts'
import { readEvaluationBody } from './context.ts'
import { withFacts } from './request-facts.ts'
import type { RouteScope } from './route-scope.ts'
import { trim } from './view-cache.ts'
import type { Copy } from './view-state.ts'

export interface Question extends RouteScope {
  readonly grant: Grant
  readonly clientOnly: boolean
  /** As it was sent. */
  readonly sentContext: EvaluationContext
  readonly members: Readonly<Record<string, Json>>
}

/**
 * All of one moment. While something is waited for a newer copy may take the place of the one held, so that version,
 * age and facts belong to the copy they were taken with.
 */
export interface Basis {
  readonly copy: Copy
  readonly context: EvaluationContext
  readonly now: number
  readonly freshness: Freshness
}

export interface Work<Result> {
  readonly evaluate: (basis: Basis) => Result
  /** The blobs that the snapshot lacks and such a result may need. */
  readonly missing: (basis: Basis, result: Result) => readonly string[]
}

export interface Evaluated<Result> {
  readonly basis: Basis
  readonly result: Result
  /** Whether all that was asked for was at hand. */
  readonly isWhole: boolean
}

/** Snapshots that are tried in turn, if one after the other is replaced while its blobs are fetched. */
const snapshotsMax = 3
const bodyWaitMs = 1_000

export async function readQuestion(scope: RouteScope): Promise<Question> {
  const { request, edge, ports } = scope
  const admitted = await authorize(edge, request, ports)
  const start = ports.now()
  const { context, members } = await readEvaluationBody(request)
  // While a body took its time, the key may have been revoked, and the copy may have grown too old.
  const isLate = ports.now() - start > bodyWaitMs
  const grant = isLate ? await authorize(edge, request, ports) : admitted
  return { ...scope, grant, clientOnly: grant.key.class === 'client', sentContext: context, members }
}

export function takeBasis({ request, ports, grant, clientOnly, sentContext }: Question): Basis {
  const { copy } = grant.view
  const now = ports.now()
  return {
    copy,
    context: clientOnly ? withFacts(sentContext, request, copy.readsFacts) : sentContext,
    now,
    freshness: freshnessOf(grant.view, now),
  }
}

/**
 * Evaluates, and once more if that asked for members that are not at hand, when they were fetched: a context that does
 * not reach them waits for nothing.
 */
export async function evaluateWhole<Result>(
  question: Question,
  work: Work<Result>,
): Promise<Evaluated<Result>> {
  let tried: Snapshot | null = null
  for (let left = snapshotsMax; ; left--) {
    const basis = takeBasis(question)
    const { snapshot } = basis.copy
    const result = work.evaluate(basis)
    const isWhole = !metMissing(snapshot)
    if (isWhole || snapshot === tried || left === 0) return { basis, result, isWhole }
    tried = snapshot
    // oxlint-disable-next-line no-await-in-loop -- the next round has a newer snapshot or is the last
    await fetchInto(snapshot, work.missing(basis, result), question)
  }
}

async function fetchInto(
  snapshot: Snapshot,
  hashes: readonly string[],
  { edge, ports, grant }: Question,
): Promise<void> {
  await provideBlobs(grant.view, snapshot, hashes, ports)
  trim(edge.views, grant.view)
}
