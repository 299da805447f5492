import type { WrongField } from '@halyard/shared/checks/wrong-field.ts'
import { fingerprintOf, sealBlob } from '@halyard/shared/engine/blob.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { MemberFormat } from '@halyard/shared/contract/members-endpoints.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { invalid, ProblemError } from '../problem.ts'
import { readCsv } from './members-csv.ts'
import { readNdjson, type IdSink } from './members-lines.ts'

/** A blob with its name. */
export interface SealedList {
  readonly hash: string
  readonly count: number
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface MemberList {
  /** The next bytes of the list; they may end within a line, or within a character. */
  take(bytes: Uint8Array<ArrayBuffer>): void
  /** After the last bytes. */
  seal(): Promise<SealedList>
}

interface ListForm {
  readonly format: MemberFormat
  readonly column?: string | undefined
}

/** Reads a list of ids into a blob, keeping of each id its fingerprint only. Throws a problem that names wrong lines. */
export function openList({ format, column }: ListForm): MemberList {
  if (format === 'ndjson' && column !== undefined) throw invalid('/column', 'is for CSV only')
  const ids = collectIds()
  const reader = format === 'csv' ? readCsv(ids, column) : readNdjson(ids)
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })
  const decode = (bytes?: Uint8Array<ArrayBuffer>) => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined })
    } catch {
      // A lenient decoder would make other ids of them.
      throw wrongLines([{ pointer: 'body', detail: `is not UTF-8, after line ${ids.lastLine()}` }])
    }
  }
  return {
    take: (bytes) => reader.take(decode(bytes)),
    async seal() {
      reader.take(decode())
      reader.end()
      return await nameBlob(ids.seal())
    },
  }
}

/** Gives a blob its name. */
export async function nameBlob(bytes: Uint8Array<ArrayBuffer>): Promise<SealedList> {
  return { hash: await sha256Hex(bytes), count: bytes.length / fingerprintBytes, bytes }
}

const fingerprintBytes = 8
const wrongMax = 20
const firstCapacity = 4_096

/** The fingerprints of ids, in arrays that double when they are full. */
function collectIds() {
  let highs = new Uint32Array(firstCapacity)
  let lows = new Uint32Array(firstCapacity)
  let [count, last] = [0, 0]
  const errors: WrongField[] = []
  const sink: IdSink = {
    id(id, line) {
      const detail = idError(id)
      if (detail !== null) return sink.wrong(line, detail)
      if (count === limits.segmentMembers) {
        throw new ProblemError('limit_reached', {
          detail: `line ${line}: at most ${limits.segmentMembers} ids, repetitions counted`,
        })
      }
      if (count === highs.length) {
        highs = grown(highs)
        lows = grown(lows)
      }
      const { high, low } = fingerprintOf(id)
      highs[count] = high
      lows[count++] = low
      last = line
    },
    wrong(line, detail) {
      errors.push({ pointer: `line ${line}`, detail })
      if (errors.length === wrongMax) throw wrongLines(errors)
      last = line
    },
  }
  return {
    ...sink,
    lastLine: () => last,
    seal() {
      if (errors.length > 0) throw wrongLines(errors)
      if (count === 0) throw wrongLines([{ pointer: 'body', detail: 'holds no id: DELETE empties the list' }])
      return sealBlob(highs, lows, count)
    },
  }
}

function idError(id: string): string | null {
  if (id === '') return 'is empty: an id has 1 to 256 characters'
  if (id.length > limits.segmentIdLength) return 'is too long: an id has 1 to 256 characters'
  return id.isWellFormed() && !id.includes('\0') ? null : 'holds U+0000 or half of a surrogate pair'
}

function grown(words: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const next = new Uint32Array(words.length * 2)
  next.set(words)
  return next
}

function wrongLines(errors: readonly WrongField[]): ProblemError {
  const [first] = errors
  return new ProblemError('invalid_input', { detail: `${first?.pointer} ${first?.detail}`, errors })
}
