import type { parseTrustedKeys } from '@halyard/shared/protocol/head.ts'
import { answerText } from './answer.ts'
import type { RouteScope } from './route-scope.ts'

/**
 * The keys that this edge trusts, as RFC 7517 has them, with their public members only. For information: whoever took
 * its trust from the server that it is to check would check nothing.
 */
export function formatJwks(keys: ReturnType<typeof parseTrustedKeys>): string {
  return JSON.stringify({
    keys: keys.map(({ crv, x, kid }) => ({ kty: 'OKP', crv, x, kid, alg: 'EdDSA', use: 'sig' })),
  })
}

export async function readJwks({ edge }: RouteScope): Promise<Response> {
  const headers = { 'Content-Type': 'application/jwk-set+json', 'Cache-Control': 'public, max-age=300' }
  return answerText(200, edge.jwks, headers)
}
