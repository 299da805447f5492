/** A blob that a snapshot names: see `engine/blob.ts` for its bytes. */
export interface NamedBlob {
  /** SHA-256 of its bytes in hex digits. */
  readonly hash: string
  /** How many fingerprints it holds, each of eight bytes. */
  readonly count: number
}

const segmentLine = 'segment\t'
const hashForm = /^[0-9a-f]{64}$/

/**
 * The blobs that a snapshot's segments name, each once. Lines that cannot be read name none: what is wrong with them
 * is told by evaluation, for the flags that reach them.
 */
export function namedBlobs(body: string): readonly NamedBlob[] {
  const found = new Map<string, NamedBlob>()
  for (const line of segmentLines(body)) {
    const members = line.includes('"members":') ? membersOf(line) : null
    if (members) found.set(members.hash, members)
  }
  return [...found.values()]
}

/** The lines are sorted, so that those of segments follow each other. */
function segmentLines(body: string): readonly string[] {
  const start = body.startsWith(segmentLine) ? 0 : body.indexOf(`\n${segmentLine}`) + 1
  if (start === 0 && !body.startsWith(segmentLine)) return []
  return body
    .slice(start)
    .split('\n')
    .filter((line) => line.startsWith(segmentLine))
}

function membersOf(line: string): NamedBlob | null {
  try {
    const config = JSON.parse(line.slice(line.lastIndexOf('\t'))) as { members?: Partial<NamedBlob> } | null // checked below
    const { hash, count } = config?.members ?? {}
    if (typeof hash !== 'string' || !hashForm.test(hash)) return null
    return Number.isSafeInteger(count) && typeof count === 'number' && count >= 0 ? { hash, count } : null
  } catch {
    return null // no JSON: nothing is named
  }
}
