/** What else a reader asks an edge for: who signs, and the lists of large segments. */
import { parseTrustedKeys } from '@halyard/shared/protocol/head.ts'
import type { TrustedKeys } from '../sync/trust.ts'
import { readBytes, readText } from './read-bytes.ts'

export type Send = (url: URL, init: RequestInit) => Promise<Response>

const timeoutMs = 10_000
const keysBytesMax = 64 * 1024

/** Makes `fetchKeys` of an edge (its origin). It rejects if there are none to be had. */
export function makeKeysFetch(edge: string, send: Send = fetch): () => Promise<TrustedKeys> {
  return async () => {
    const url = new URL('/.well-known/jwks.json', edge)
    const response = await send(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
    if (response.status !== 200) return await refuse(response)
    const { keys } = JSON.parse(await readText(response, keysBytesMax)) as { keys?: unknown } // checked next
    return parseTrustedKeys(JSON.stringify(keys))
  }
}

/** Makes `fetchBlob` of an edge for a server key. It rejects if the blob cannot be had; its hash is the caller's to check. */
export function makeBlobFetch(
  edge: string,
  key: string,
  send: Send = fetch,
): (hash: string, bytesMax: number) => Promise<Uint8Array<ArrayBuffer>> {
  return async (hash, bytesMax) => {
    const response = await send(new URL(`/v1/blobs/${hash}`, edge), {
      headers: { authorization: `Bearer ${key}` },
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    return response.status === 200 ? await readBytes(response, bytesMax) : await refuse(response)
  }
}

async function refuse({ status, body }: Response): Promise<never> {
  await body?.cancel()
  throw new Error(`the edge answered ${status}`)
}
