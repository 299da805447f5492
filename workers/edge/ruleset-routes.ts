import { parseVersion, type Version } from '@halyard/shared/protocol/version.ts'
import { answerBytes, answerFrom } from './answer.ts'
import { authorize, freshnessOf } from './authorize.ts'
import { namesBlob, readBlob } from './blobs.ts'
import { satisfy } from './demand.ts'
import { matchesEtag } from './etag.ts'
import { recheckFor } from './pursuit.ts'
import { comeBackLater, Refusal } from './refusal.ts'
import type { RouteScope } from './route-scope.ts'
import { trim } from './view-cache.ts'
import { deltasSince } from './view-deltas.ts'
import type { HeldView } from './view-state.ts'

/**
 * The snapshot with its signed head, for evaluation elsewhere; with `since`, what has changed since that version, if
 * it is known here.
 */
export async function readRuleset({ request, edge, ports }: RouteScope): Promise<Response> {
  const since = readSince(request.url)
  const { key, view } = await authorize(edge, request, ports)
  if (key.class !== 'server') throw new Refusal('KEY_CLASS', 'rulesets are for server keys only')
  if (since) {
    view.sinceAskedAt = ports.now()
    // Whoever holds a newer version than this location must not be taken back.
    await satisfy(view, { minVersion: since, toldVersion: null, maxAgeMs: null }, ports)
  }
  return answerRuleset(view, request.headers.get('If-None-Match'), { since, now: ports.now() })
}

/** The members of a large segment that the current snapshot names. */
export async function readNamedBlob({ request, edge, ports }: RouteScope, hash: string): Promise<Response> {
  const grant = await authorize(edge, request, ports)
  if (grant.key.class !== 'server') throw new Refusal('KEY_CLASS', 'blobs are for server keys only')
  const { view } = grant
  // Who asks for one that is not named may have seen a newer snapshot.
  if (!namesBlob(view, hash)) await recheckFor(view, () => namesBlob(view, hash), ports)
  if (!namesBlob(view, hash)) throw new Refusal('NOT_FOUND', 'the current snapshot names no such blob')
  const etag = `"${hash}"`
  const freshness = freshnessOf(grant.view, ports.now())
  if (matchesEtag(request.headers.get('If-None-Match'), etag)) return answerBytes(freshness, 304, null, etag)
  const bytes = await readBlob(view, hash, ports)
  if (!bytes) throw comeBackLater('the members cannot be had just now')
  trim(edge.views, view)
  return answerBytes(freshness, 200, bytes, etag)
}

/**
 * The tag is the body's hash: it says "you hold this body". So deltas carry none, since who gets them holds that body
 * only when they have been applied.
 */
function answerRuleset(
  view: HeldView,
  ifNoneMatch: string | null,
  { since, now }: { since: Version | null; now: number },
): Response {
  const { signedHead, body, head } = view.copy
  const etag = `"${head.snapshotHash}"`
  const freshness = freshnessOf(view, now)
  if (matchesEtag(ifNoneMatch, etag)) return answerFrom(freshness, 304, null, etag)
  const deltas = since && deltasSince(view, since)
  if (deltas) return answerFrom(freshness, 200, JSON.stringify({ signedHead, deltas }))
  return answerFrom(freshness, 200, JSON.stringify({ signedHead, body }), etag)
}

function readSince(url: string): Version | null {
  const token = new URL(url).searchParams.get('since')
  const since = token === null ? null : parseVersion(token)
  if (token !== null && !since) {
    throw new Refusal('INVALID_REQUEST', 'since is not a version token: epoch.version, such as 1.42')
  }
  return since
}
