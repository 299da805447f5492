/** JSON as it stands in a file: what it says, where each part stands, and which names stand twice. */
import { pointerOf } from '../checks/wrong-field.ts'
import { locateBy, positionAt, type FileFault, type Locate } from './file-fault.ts'

export type ReadText =
  | { readonly value: unknown; readonly locate: Locate }
  | { readonly faults: readonly FileFault[] }

/** Reads JSON (RFC 8259). A name that stands twice in one object is refused: readers differ about which holds. */
export function readJson(text: string): ReadText {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    return { faults: [syntaxFault(text, cause instanceof Error ? cause.message : 'cannot be parsed')] }
  }
  const { offsets, repeated } = scan(text)
  if (repeated.length === 0) return { value, locate: locateBy((pointer) => offsets.get(pointer), text) }
  const faults = repeated.map(({ pointer, offset }) => ({
    pointer,
    detail: 'stands twice in its object; each name may stand once',
    ...positionAt(text, offset),
  }))
  return { faults }
}

/** Engines say where in different words, or not at all. */
function syntaxFault(text: string, message: string): FileFault {
  const told = /at position (\d+)/.exec(message)?.[1]
  const isCut = /unexpected end/i.test(message)
  const offset = told !== undefined ? Number(told) : isCut ? text.trimEnd().length : null
  const detail = `is not JSON: ${message.replace(/(?: in JSON)? at position .*$/s, '')}`
  return { pointer: '', detail, ...(offset !== null && positionAt(text, offset)) }
}

interface Frame {
  readonly pointer: string
  /** Those of an object; a list has none. */
  readonly names: Set<string> | null
  /** The pointer of the part that comes next: of an object's, its name has come. */
  next: string | null
  index: number
}

interface Scan {
  /** Where each part stands: the name of an object's, else the part itself. */
  readonly offsets: Map<string, number>
  readonly repeated: { readonly pointer: string; readonly offset: number }[]
}

const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** Of a text that is JSON. */
function scan(text: string): Scan {
  const found: Scan = { offsets: new Map(), repeated: [] }
  const open: Frame[] = []
  for (const { 0: token, index: offset } of text.matchAll(tokens)) {
    const top = open.at(-1)
    if (token === '}' || token === ']') open.pop()
    else if (token === ',') endPart(top)
    else if (token === ':') continue
    else if (top?.names && top.next === null) readName(top, { token, offset }, found)
    else {
      const pointer = top === undefined ? '' : (top.next ?? `${top.pointer}/${top.index}`)
      if (!top?.names) found.offsets.set(pointer, offset)
      if (token === '{') open.push({ pointer, names: new Set(), next: null, index: 0 })
      if (token === '[') open.push({ pointer, names: null, next: null, index: 0 })
    }
  }
  return found
}

function endPart(top: Frame | undefined): void {
  if (top === undefined) return
  top.next = null
  top.index++
}

function readName(top: Frame, { token, offset }: { token: string; offset: number }, found: Scan): void {
  const name = String(JSON.parse(token))
  const pointer = `${top.pointer}${pointerOf([name])}`
  if (top.names?.has(name)) found.repeated.push({ pointer, offset })
  else found.offsets.set(pointer, offset)
  top.names?.add(name)
  top.next = pointer
}
