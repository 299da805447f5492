import { randomBytes } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK } from 'jose'

/** A new pair: the private key goes to control, the public one to hub and edge. */
export interface SigningKey {
  readonly kid: string
  readonly signingKey: JWK
  readonly trustedKey: JWK
}

/** Makes an Ed25519 pair with a name of its own, such as `2026-11-3f9c2a10`. */
export async function makeSigningKey(now: Date): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const kid = `${now.toISOString().slice(0, 7)}-${randomBytes(4).toString('hex')}`
  const marks = { kid, alg: 'EdDSA', use: 'sig' }
  return {
    kid,
    signingKey: { ...(await exportJWK(privateKey)), ...marks },
    trustedKey: { ...(await exportJWK(publicKey)), ...marks },
  }
}
