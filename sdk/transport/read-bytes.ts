/**
 * The bytes of an answer, of which there may be at most `bytesMax`: something between us and the edge may answer
 * without end. Throws if there are more.
 */
export async function readBytes(response: Response, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    length += chunk.length
    if (length > bytesMax) throw new Error(`the answer is longer than ${bytesMax} bytes`)
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

/** Its text: see `readBytes`. */
export async function readText(response: Response, bytesMax: number): Promise<string> {
  return new TextDecoder('utf-8', { fatal: false, ignoreBOM: true }).decode(
    await readBytes(response, bytesMax),
  )
}
