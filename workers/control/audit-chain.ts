import type { Json } from '@halyard/shared/engine/model.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { canonicalJson } from './canonical-json.ts'

/** What the hash of an audit entry covers: everything but the hash itself. */
export interface AuditContent {
  readonly orgId: string
  readonly id: string
  readonly sequence: number
  readonly time: Date
  readonly actor: string
  readonly action: string
  readonly resource: string
  readonly project: string | null
  readonly environment: string | null
  readonly versions: Readonly<Record<string, string>>
  readonly before: Json
  readonly after: Json
  readonly comment: string | null
  readonly requestId: string
  readonly previousHash: string
}

/** SHA-256 of the canonical JSON of an entry, which holds the hash of the entry before it. */
export function auditHash(entry: AuditContent): Promise<string> {
  const { orgId, id, sequence, time, actor, action, resource, project, environment } = entry
  const { versions, before, after, comment, requestId, previousHash } = entry
  return sha256Hex(
    canonicalJson({
      orgId,
      id,
      sequence,
      time: time.toISOString(),
      actor,
      action,
      resource,
      project,
      environment,
      versions,
      before,
      after,
      comment,
      requestId,
      previousHash,
    }),
  )
}

/** The sequence number of the first entry that does not follow from the ones before it, or `null` if all do. */
export async function firstBrokenEntry(
  entries: readonly (AuditContent & { readonly hash: string })[],
): Promise<number | null> {
  let previousHash = ''
  for (const [index, entry] of entries.entries()) {
    const follows = entry.sequence === index + 1 && entry.previousHash === previousHash
    if (!follows || entry.hash !== (await auditHash(entry))) return entry.sequence
    previousHash = entry.hash
  }
  return null
}
