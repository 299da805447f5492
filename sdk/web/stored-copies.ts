/** The last answers for the contexts used last, so that a page starts with values, also while the edge cannot be reached. */
import type { WebStorage } from './web-client.ts'

/** What was answered. */
export interface Copy {
  readonly version: string | null
  readonly etag: string | null
  /** Opens streams; it moves with the ETag. */
  readonly credential: string | null
  /** As the edge lists them. */
  readonly items: readonly object[]
}

export interface StoredCopy extends Copy {
  /** Of whom it is for: it is given to no other. */
  readonly hash: string
}

export interface StoredCopies {
  readonly read: (hash: string) => StoredCopy | undefined
  /** Keeps a copy before all others, of which the one used longest ago is let go. */
  readonly keep: (copy: StoredCopy) => void
}

const itemName = 'halyard'
const format = 1
const copiesMax = 5

/** `null` keeps nothing. Full, forbidden and garbled storages are the same as empty ones. */
export function makeStoredCopies(storage: WebStorage | null | undefined): StoredCopies {
  const list = () => readCopies(storage)
  return {
    read: (hash) => list().find((copy) => copy.hash === hash),
    keep: (copy) => {
      const copies = list()
      const [first] = copies
      if (first?.hash === copy.hash && copy.etag !== null && first.etag === copy.etag) return
      const others = copies.filter(({ hash }) => hash !== copy.hash)
      // Where there is no room for all there may be for one; and if not, an old copy must not outlive this one.
      for (const kept of [[copy, ...others.slice(0, copiesMax - 1)], [copy], []])
        if (write(storage, kept)) return
    },
  }
}

/** The browser's own, if the page may use it. A server has none: its users share it. */
export function findStorage(): WebStorage | null {
  const { document } = globalThis as Partial<typeof globalThis>
  try {
    return document ? globalThis.localStorage : null
  } catch {
    return null // it is forbidden: nothing is kept
  }
}

function readCopies(storage: WebStorage | null | undefined): readonly StoredCopy[] {
  try {
    const stored = JSON.parse(storage?.getItem(itemName) ?? 'null')
    return stored?.format === format ? stored.copies.filter(isCopy) : []
  } catch {
    return [] // it is forbidden, or not what was written: there are no copies
  }
}

function isCopy(copy: Partial<StoredCopy> | null): boolean {
  // No header takes an ETag of other characters.
  return typeof copy?.hash === 'string' && Array.isArray(copy.items) && /^[ -~]+$/.test(`${copy.etag}`)
}

function write(storage: WebStorage | null | undefined, copies: readonly StoredCopy[]): boolean {
  try {
    storage?.setItem(itemName, JSON.stringify({ format, copies }))
    return true
  } catch {
    return false // full or forbidden
  }
}
