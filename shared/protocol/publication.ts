import type { JWK } from 'jose'
import { sha256Hex } from './hash.ts'
import { signHead, snapshotSchema, type Head } from './head.ts'
import type { Publication } from './hub.ts'

/** What a compiler knows of a version; hashes, size and schema follow from the texts. */
export interface Compiled extends Pick<
  Head,
  'environment' | 'epoch' | 'version' | 'clientHash' | 'compiler' | 'time'
> {
  readonly body: string
  readonly access: string
}

/** Signs a compiled version with a private Ed25519 JWK that carries a `kid`. */
export async function signPublication(compiled: Compiled, privateJwk: JWK): Promise<Publication> {
  const { body, access, ...rest } = compiled
  const head = {
    ...rest,
    snapshotHash: await sha256Hex(body),
    accessHash: await sha256Hex(access),
    size: new TextEncoder().encode(body).length,
    schema: snapshotSchema,
  }
  return { signedHead: await signHead(head, privateJwk), body, access }
}
