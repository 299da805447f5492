/** Entity tags of bulk answers: opaque, and made without evaluating anything. */
import { attributeAt, readAttribute, startRun } from '@halyard/shared/engine/attribute.ts'
import type { EvaluationContext } from '@halyard/shared/engine/model.ts'
import {
  compiledFlag,
  entriesFor,
  formatBody,
  loadSnapshot,
  type Snapshot,
} from '@halyard/shared/engine/snapshot.ts'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { toHex } from '@halyard/shared/protocol/ids.ts'
import { setBounded } from './bounded-cache.ts'
import type { Copy } from './view-state.ts'

/** Makes the tag of a bulk answer: it moves with what the class may see, and with each attribute that is read. */
export type MakeEtag = (
  copy: Copy,
  keyClass: AccessKey['class'],
  context: EvaluationContext,
) => Promise<string>

/** Readers ask again with the same context: at most this many tags are kept, for texts of at most this length. */
const cachedTagsMax = 2_000
const cachedTextMax = 1_000

const encoder = new TextEncoder()
const pathsCache = {
  server: new WeakMap<Snapshot, readonly string[]>(),
  client: new WeakMap<Snapshot, readonly string[]>(),
}

export function makeEtagMaker(secret: string): MakeEtag {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const macKey = crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign'])
  const tagCache = new Map<string, string>()
  return async ({ head, snapshot }, keyClass, context) => {
    const contentHash = keyClass === 'client' ? head.clientHash : head.snapshotHash
    const text = JSON.stringify([contentHash, keyClass, valuesRead(snapshot, keyClass, context)])
    const known = tagCache.get(text)
    if (known !== undefined) return known
    const mac = await crypto.subtle.sign('HMAC', await macKey, encoder.encode(text))
    const tag = `"${toHex(new Uint8Array(mac, 0, 16))}"`
    if (text.length <= cachedTextMax) setBounded(tagCache, text, tag, cachedTagsMax)
    return tag
  }
}

/** Whether `If-None-Match` names this tag: a list, `*`, compared weakly (RFC 9110, 13.1.2). */
export function matchesEtag(ifNoneMatch: string | null, etag: string): boolean {
  if (ifNoneMatch === null) return false
  return ifNoneMatch.split(',').some((item) => {
    const tag = item.trim()
    return tag === '*' || tag === etag || tag === `W/${etag}`
  })
}

/** The attributes that the context has and the snapshot reads. */
function valuesRead(snapshot: Snapshot, keyClass: AccessKey['class'], context: EvaluationContext) {
  startRun(snapshot.run, context, 0)
  const values = []
  for (const path of pathsRead(snapshot, keyClass)) {
    const value = readAttribute(attributeAt(snapshot.attributes, path), snapshot.run)
    if (value !== undefined) values.push([path, value])
  }
  return values
}

/** For class client of the visible flags alone: a hidden one must not show, not even by an attribute that it reads. */
function pathsRead(snapshot: Snapshot, keyClass: AccessKey['class']): readonly string[] {
  const known = pathsCache[keyClass].get(snapshot)
  if (known) return known
  const seen = keyClass === 'client' ? clientPart(snapshot) : snapshot
  for (const entry of seen.entries) compiledFlag(seen, entry)
  const paths = [...seen.attributes.keys()].toSorted()
  pathsCache[keyClass].set(snapshot, paths)
  return paths
}

function clientPart(snapshot: Snapshot): Snapshot {
  return loadSnapshot(formatBody(entriesFor(snapshot, true).map((entry) => entry.line)))
}
