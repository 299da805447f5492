import type { parseTrustedKeys } from '@halyard/shared/protocol/head.ts'
import { answerText } from './answer.ts'
import type { RouteScope } from './route-scope.ts'

/**
 * The keys that this edge trusts, as RFC 7517 has them, with their public members only. A reader that takes them from here
 * trusts the edge, by TLS; one that is to find out an edge that lies is given its keys another way.
 */
export function formatJwks(keys: ReturnType<typeof parseTrustedKeys>): string {
  return JSON.stringify({
    keys: keys.map(({ crv, x, kid }) => ({ kty: 'OKP', crv, x, kid, alg: 'EdDSA', use: 'sig' })),
  })
}

export async function readJwks({ edge }: RouteScope): Promise<Response> {
  return answerText(200, edge.jwks, {
    'Content-Type': 'application/jwk-set+json',
    'Cache-Control': 'public, max-age=300',
    // Whoever asked first: a shared cache gives the same answer to all.
    'Access-Control-Allow-Origin': '*',
  })
}
