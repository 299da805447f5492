/**
 * What the isolates of one location share: the hub's last word on the head of an environment, and texts and blobs by
 * their hash. One of them asks the hub, the others hear of it here. Only what was verified is written, and what is read
 * is verified again: the cache is no source of truth, and everything works without it.
 */
import { snapshotSizeMax } from '@halyard/shared/protocol/head.ts'
import type { Confirmation } from '@halyard/shared/protocol/hub.ts'
import { refuse } from './adopt-checks.ts'
import { inTime } from './flight.ts'
import type { BlobBytes, View, ViewPorts } from './view-state.ts'

/** A word is told by its own moment, not by how long it is kept: a cold isolate may need the last one there was. */
const lifetimeSec = 7 * 24 * 3_600
const wordTimeoutMs = 40
const contentTimeoutMs = 500
/** After a failure the cache is left alone for so long. */
const failurePauseMs = 10_000
const wordLengthMax = 4_096
/** Clocks may differ a little; a word from further in the future would be the last for as long. */
const aheadMaxMs = 1_000

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The last word of the hub that somebody here has heard, whatever its age; null if there is none. */
export async function readWord(view: View, ports: ViewPorts): Promise<Confirmation | null> {
  const bytes = await read(view, wordName(view), { timeoutMs: wordTimeoutMs, ports })
  if (!bytes) return null
  const word = parseWord(bytes)
  if (word && word.confirmedAt <= ports.now() + aheadMaxMs) return word
  refuse(view, word ? 'a shared word from the future' : 'a shared word of another form', ports)
  return null
}

/** A text by its hash, which the caller checks. */
export async function readText(view: View, hash: string, ports: ViewPorts): Promise<string | null> {
  const bytes = await readBytes(view, hash, ports)
  if (!bytes || bytes.length > snapshotSizeMax) return null
  try {
    return decoder.decode(bytes)
  } catch {
    return null // no text: its hash would be another
  }
}

/** Bytes by their hash, which the caller checks. */
export async function readBytes(view: View, hash: string, ports: ViewPorts): Promise<BlobBytes | null> {
  return await read(view, contentName(view, hash), { timeoutMs: contentTimeoutMs, ports })
}

/** Tells the others, behind the answer. */
export function shareWord(view: View, word: Confirmation, ports: ViewPorts): void {
  const { signedHead, confirmedAt } = word
  write(view, wordName(view), { content: JSON.stringify({ signedHead, confirmedAt }), ports })
}

export function shareContent(view: View, hash: string, content: string | BlobBytes, ports: ViewPorts): void {
  write(view, contentName(view, hash), { content, ports })
}

/** Null: it is not ours. */
function parseWord(bytes: BlobBytes): Confirmation | null {
  if (bytes.length > wordLengthMax) return null
  try {
    const { signedHead, confirmedAt } = JSON.parse(decoder.decode(bytes)) as Partial<Confirmation> // checked below
    if (typeof signedHead !== 'string' || !Number.isFinite(confirmedAt)) return null
    return { signedHead, confirmedAt: Number(confirmedAt) }
  } catch {
    return null
  }
}

function wordName({ environment }: View): string {
  return `${environment}/head`
}

function contentName({ environment }: View, hash: string): string {
  return `${environment}/${hash}`
}

async function read(
  view: View,
  name: string,
  { timeoutMs, ports }: { timeoutMs: number; ports: ViewPorts },
): Promise<BlobBytes | null> {
  if (ports.now() - view.cacheFailedAt < failurePauseMs) return null
  try {
    return await inTime(ports.cache.read(name), timeoutMs, ports)
  } catch (cause) {
    fail(view, cause, ports)
    return null // the next source has it
  }
}

function write(
  view: View,
  name: string,
  { content, ports }: { content: string | BlobBytes; ports: ViewPorts },
): void {
  if (ports.now() - view.cacheFailedAt < failurePauseMs) return
  const work = inTime(ports.cache.write(name, content, lifetimeSec), contentTimeoutMs, ports)
  ports.defer(work.catch((cause) => fail(view, cause, ports))) // the others ask the hub themselves
}

function fail(view: View, cause: unknown, ports: ViewPorts): void {
  view.cacheFailedAt = ports.now()
  ports.report(view.environment, `the location's cache failed: ${String(cause)}`)
}
