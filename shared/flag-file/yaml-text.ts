/** YAML 1.2 as it stands in a file. What is no JSON (dates, sets, circles) does not come out of it. */
import { isMap, isScalar, isSeq, parseDocument, type Document, type Node, type YAMLError } from 'yaml'
import { locateBy, positionAt, type FileFault } from './file-fault.ts'
import type { ReadText } from './json-text.ts'

/** What aliases may stand for together, as the parser counts: a small file may not become a huge one. */
const aliasesMax = 100
const faultsMax = 20

/** Reads one YAML document. A name that stands twice in a mapping is refused. */
export function readYaml(text: string): ReadText {
  const options = { version: '1.2', schema: 'core', stringKeys: true, prettyErrors: false } as const
  const document = parseDocument(text, options)
  // What is only warned of, such as an unknown tag, would be read as something else than was written.
  const wrong = [...document.errors, ...document.warnings]
  if (wrong.some(({ code }) => code === 'RESOURCE_EXHAUSTION'))
    return { faults: [{ pointer: '', detail: 'is nested too deep' }] }
  if (wrong.length > 0) return { faults: wrong.slice(0, faultsMax).map((one) => syntaxFault(one, text)) }
  const locate = locateBy((pointer) => offsetOf(document, pointer), text)
  try {
    const value: unknown = document.toJS({ maxAliasCount: aliasesMax })
    JSON.stringify(value) // throws on what contains itself
    return { value, locate }
  } catch (cause) {
    const isTooMuch = cause instanceof ReferenceError
    if (!isTooMuch && !(cause instanceof TypeError)) throw cause
    const detail = isTooMuch ? 'has aliases that stand for too much' : 'has an alias to what it stands in'
    return { faults: [{ pointer: '', detail }] }
  }
}

function syntaxFault({ code, message, pos }: YAMLError, text: string): FileFault {
  const isRepeated = code === 'DUPLICATE_KEY'
  const detail = isRepeated ? 'a name stands twice; each may stand once' : `is not YAML: ${message}`
  return { pointer: '', detail, ...positionAt(text, pos[0]) }
}

/** Of a member its name, of an item itself. */
function offsetOf({ contents }: Document.Parsed, pointer: string): number | undefined {
  let node: unknown = contents
  let offset = contents?.range?.[0] ?? 0
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    const step = isMap(node)
      ? memberOf(node.items, name)
      : isSeq(node)
        ? itemOf(node.items[Number(name)])
        : null
    if (step === null) return undefined
    offset = step.offset ?? offset
    node = step.node
  }
  return offset
}

interface Step {
  readonly node: unknown
  readonly offset: number | undefined
}

function memberOf(
  items: readonly { readonly key: unknown; readonly value: unknown }[],
  name: string,
): Step | null {
  const pair = items.find(({ key }) => isScalar(key) && String(key.value) === name)
  return pair ? { node: pair.value, offset: startOf(pair.key) } : null
}

function itemOf(node: unknown): Step | null {
  return node === undefined ? null : { node, offset: startOf(node) }
}

function startOf(node: unknown): number | undefined {
  return (node as Node | null)?.range?.[0] // what a parser made has its range
}
