/** Entity tags of bulk answers: opaque, and made without evaluating anything. */
import { attributeAt, readAttribute, startRun, type Attribute } from '@halyard/shared/engine/attribute.ts'
import type { EvaluationContext, Json } from '@halyard/shared/engine/model.ts'
import { attributesRead, nextBoundary } from '@halyard/shared/engine/reach.ts'
import type { Snapshot } from '@halyard/shared/engine/snapshot.ts'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { toHex } from '@halyard/shared/protocol/ids.ts'
import { setBounded } from './bounded-cache.ts'
import type { Copy } from './view-state.ts'

/** What a bulk answer depends on besides the snapshot. `now` is epoch milliseconds. */
interface Asked {
  readonly keyClass: AccessKey['class']
  readonly context: EvaluationContext
  readonly now: number
  /** The mark of the stream that is offered along, or null. */
  readonly offer: string | null
}

/**
 * Makes a bulk answer's tag: it moves with what the class may see, each attribute that is read, each time boundary, and
 * the stream that is offered.
 */
export type MakeEtag = (copy: Copy, asked: Asked) => Promise<string>

/** Readers ask again with the same context: at most this many tags are kept, for texts of at most this length. */
const cachedTagsMax = 2_000
const cachedTextMax = 1_000

const encoder = new TextEncoder()
const attributesCache = {
  server: new WeakMap<Snapshot, readonly Attribute[]>(),
  client: new WeakMap<Snapshot, readonly Attribute[]>(),
}

export function makeEtagMaker(secret: string): MakeEtag {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const macKey = crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign'])
  const tagCache = new Map<string, string>()
  return async (copy, asked) => {
    const text = dependencies(copy, asked)
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
  if (ifNoneMatch === etag) return true
  return ifNoneMatch.split(',').some((item) => {
    const tag = item.trim()
    return tag === '*' || tag === etag || tag === `W/${etag}`
  })
}

/** All that decides a bulk answer, as a text. The order of the attributes follows from the content that is hashed. */
function dependencies({ head, snapshot }: Copy, { keyClass, context, now, offer }: Asked): string {
  const isClient = keyClass === 'client'
  let text = `${isClient ? head.clientHash : head.snapshotHash} ${keyClass} ${offer ?? '-'}`
  text += ` ${nextBoundary(snapshot, now, { clientOnly: isClient })}`
  startRun(snapshot.run, context, now)
  for (const attribute of attributesOf(snapshot, keyClass)) {
    const value = readAttribute(attribute, snapshot.run)
    text += value === undefined ? ' -' : ` ${textOf(value)}`
  }
  return text
}

/** As JSON, which knows no infinite numbers: `1e999` in a body is one, and is not null. */
function textOf(value: Json): string {
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'string' ? JSON.stringify(value) : String(value)
  }
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`
  return `{${Object.entries(value)
    .map(([name, part]) => `${JSON.stringify(name)}:${textOf(part)}`)
    .join(',')}}`
}

/**
 * The attributes that may decide: for class client those of the visible flags, since a hidden one must not show by what
 * it reads. The moment is not among them: the boundary stands for it.
 */
function attributesOf(snapshot: Snapshot, keyClass: AccessKey['class']): readonly Attribute[] {
  const known = attributesCache[keyClass].get(snapshot)
  if (known) return known
  const read = attributesRead(snapshot, { clientOnly: keyClass === 'client' }).map((path) =>
    attributeAt(snapshot.world.attributes, path),
  )
  attributesCache[keyClass].set(snapshot, read)
  return read
}
