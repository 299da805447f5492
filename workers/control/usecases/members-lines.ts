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
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    sink.wrong(line, `is not JSON; ${jsonAllowed}`)
    return
  }
  const id =
    typeof value === 'object' && value !== null && Object.hasOwn(value, 'id') ? Object(value).id : value
  if (typeof id === 'string') sink.id(id, line)
  else if (typeof id !== 'number') sink.wrong(line, `holds no id; ${jsonAllowed}`)
  // JSON.parse has rounded it already: it would be another id.
  else if (!Number.isFinite(id) || (Number.isInteger(id) && !Number.isSafeInteger(id)))
    sink.wrong(line, 'is a number beyond 2^53, which is not exact: write it as a text')
  else sink.id(String(id), line)
}
