import { limits } from '@halyard/shared/contract/limits.ts'
import { accessLengthMax, parseAccess, type AccessRecord } from '@halyard/shared/protocol/access.ts'
import { snapshotSchema, snapshotSizeMax, type Head } from '@halyard/shared/protocol/head.ts'
import type { Publication } from '@halyard/shared/protocol/hub.ts'
import { namedBlobs, type NamedBlob } from '@halyard/shared/protocol/named-blobs.ts'
import type { ObjectPorts } from './hub-ports.ts'

export type CheckedPublication =
  | {
      readonly kind: 'sound'
      readonly head: Head
      readonly access: AccessRecord
      /** The hashes of the blobs that the body names. */
      readonly blobs: readonly string[]
    }
  | { readonly kind: 'refused'; readonly reason: 'bad_signature' | 'bad_content' }

const badContent = { kind: 'refused', reason: 'bad_content' } as const

/**
 * Checks all that can be checked without knowing what the hub holds: that a trusted key signed the head, and that
 * body and access record are the ones it names.
 */
export async function checkPublication(
  publication: Publication,
  { verify, hash }: Pick<ObjectPorts, 'verify' | 'hash'>,
): Promise<CheckedPublication> {
  const { signedHead, body, access } = publication
  const head = await verify(signedHead)
  if (!head) return { kind: 'refused', reason: 'bad_signature' }
  if (body.length > snapshotSizeMax || access.length > accessLengthMax) return badContent
  const size = new TextEncoder().encode(body).length
  if (size > snapshotSizeMax || size !== head.size || head.schema > snapshotSchema) return badContent
  const record = parseAccess(access)
  if (!record || record.environment !== head.environment) return badContent
  const [snapshotHash, accessHash] = await Promise.all([hash(body), hash(access)])
  if (snapshotHash !== head.snapshotHash || accessHash !== head.accessHash) return badContent
  const blobs = namedBlobs(body)
  if (!isBounded(blobs)) return badContent
  return { kind: 'sound', head, access: record, blobs: blobs.map(({ hash }) => hash) }
}

/** Whether bytes are as long as a blob may be: a number of fingerprints of eight bytes. */
export function isBlobLength(bytes: number): boolean {
  return bytes % fingerprintBytes === 0 && bytes <= limits.segmentMembers * fingerprintBytes
}

const fingerprintBytes = 8

function isBounded(blobs: readonly NamedBlob[]): boolean {
  const bytes = blobs.map(({ count }) => count * fingerprintBytes)
  return (
    bytes.every(isBlobLength) && bytes.reduce((sum, one) => sum + one, 0) <= limits.blobBytesPerEnvironment
  )
}
