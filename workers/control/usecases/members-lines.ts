/** Reads the ids of a list piece by piece: a piece may end anywhere. */
import { limits } from '@halyard/shared/contract/limits.ts'

export interface LineReader {
  take(text: string): void
  /** After the last piece. */
  end(): void
}

/** Where a reader puts what it finds; lines count from 1. Either may throw, to end it. */
export interface IdSink {
  id(id: string, line: number): void
  wrong(line: number, detail: string): void
}

/** A text, a number or an object with `id` a line; blank lines are nothing. */
export function readNdjson(sink: IdSink): LineReader {
  let rest = ''
  let line = 0
  const read = (text: string) => {
    line++
    if (text.length > limits.memberLineLength) sink.wrong(line, tooLong)
    else if (text.trim() !== '') readJsonLine(sink, text, line)
  }
  return {
    take(text) {
      let from = 0
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
        read(rest + text.slice(from, end))
        rest = ''
        from = end + 1
      }
      // What is too long already is told at its end, but not kept until then.
      if (rest.length <= limits.memberLineLength) rest += text.slice(from)
    },
    end() {
      if (rest !== '') read(rest)
    },
  }
}

export const tooLong = `is longer than ${limits.memberLineLength} characters`
const jsonAllowed = 'allowed are a text, a number, or an object whose "id" is one'

function readJsonLine(sink: IdSink, text: string, line: number): void {
  let id: unknown
  try {
    id = idIn(JSON.parse(text))
  } catch {
    sink.wrong(line, `is not JSON; ${jsonAllowed}`)
    return
  }
  if (typeof id === 'string') return sink.id(id, line)
  if (typeof id !== 'number') return sink.wrong(line, `holds no id; ${jsonAllowed}`)
  // Readers see 1.0 as 1 and a long number rounded: as an id it would be another one.
  const written = numberIn(text)
  if (written === String(id)) return sink.id(written, line)
  sink.wrong(line, `holds the number ${shortened(written)}, which is read as ${id}: write it as a text`)
}

function idIn(value: unknown): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'id') ? Object(value).id : value
}

/** The id of a line that holds a number, as it is written there: its numbers are read as texts. */
function numberIn(text: string): string {
  const quoted = text.replace(/"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g, (part) =>
    part.startsWith('"') ? part : `"${part}"`,
  )
  return String(idIn(JSON.parse(quoted)))
}

function shortened(number: string): string {
  return number.length > 50 ? `${number.slice(0, 50)}…` : number
}
