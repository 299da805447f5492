import { limits } from '@halyard/shared/contract/limits.ts'
import { tooLong, type IdSink, type LineReader } from './members-lines.ts'

/** A CSV by RFC 4180 whose first record names the columns: gives the ids of one column, or of the first. */
export function readCsv(sink: IdSink, column?: string): LineReader {
  let index: number | null = null
  let width = 0
  const records = readRecords({
    record(fields, line) {
      if (index !== null) {
        if (index < 0) return
        if (fields.length === width) sink.id(fields[index] ?? '', line)
        else sink.wrong(line, `has ${fields.length} fields, but the header has ${width}`)
        return
      }
      index = column === undefined ? 0 : fields.indexOf(column)
      width = fields.length
      if (index < 0)
        sink.wrong(line, `names no column "${column}"; it names ${fields.slice(0, 20).join(', ')}`)
    },
    wrong: sink.wrong,
  })
  return {
    take: records.take,
    end() {
      records.end()
      if (index === null) sink.wrong(1, 'is missing: the first line of a CSV names the columns')
    },
  }
}

interface RecordSink {
  record(fields: readonly string[], line: number): void
  wrong(line: number, detail: string): void
}

/** `opening`: before a field's first character. `closing`: after a quote inside quotes, which ends them unless doubled. */
type Place = 'opening' | 'plain' | 'quoted' | 'closing'

/** The record that is being read. */
interface OpenRecord {
  place: Place
  fields: string[]
  /** What there is of the field that is being read. */
  field: string
  /** Of the whole record, in UTF-16 code units. */
  length: number
  /** What is wrong with it: then nothing more of it is kept. */
  fault: string | null
  line: number
  firstLine: number
}

const quote = '"'
const lineEnd = '\n'

function readRecords(sink: RecordSink): LineReader {
  let open = beginRecord(1)
  const endRecord = () => {
    // The CR of CRLF; after a closing quote it was not taken into the field.
    if (open.place === 'plain' && open.field.endsWith('\r')) open.field = open.field.slice(0, -1)
    const isBlank = open.fields.length === 0 && open.field === '' && open.place !== 'closing'
    endField(open)
    if (open.fault !== null) sink.wrong(open.firstLine, open.fault)
    else if (!isBlank) sink.record(open.fields, open.firstLine)
    open = beginRecord(open.line)
  }
  return {
    take(text) {
      for (let at = 0; at < text.length; at++) {
        const stop = nextSpecial(text, at, open.place === 'quoted')
        addRun(open, text.slice(at, stop))
        if (stop < text.length && step(open, text.charAt(stop)) === 'ended') endRecord()
        at = stop
      }
    },
    end() {
      if (open.place === 'quoted') open.fault ??= 'begins a quoted field that does not end'
      if (open.length > 0 || open.place !== 'opening' || open.fault !== null) endRecord()
    },
  }
}

function beginRecord(line: number): OpenRecord {
  return { place: 'opening', fields: [], field: '', length: 0, fault: null, line, firstLine: line }
}

/** Where the run of ordinary characters from `from` on ends. */
function nextSpecial(text: string, from: number, isQuoted: boolean): number {
  for (let at = from; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === quote || character === lineEnd || (character === ',' && !isQuoted)) return at
  }
  return text.length
}

function addRun(open: OpenRecord, run: string): void {
  if (run === '') return
  if (open.place === 'closing') {
    if (/[^\r]/.test(run)) open.fault ??= 'has text after a closing quote'
    return
  }
  if (open.place === 'opening') open.place = 'plain'
  grow(open, run.length)
  if (open.fault === null) open.field += run
}

/** Takes a special character; says if the record is ended by it. */
function step(open: OpenRecord, character: string): 'ended' | 'open' {
  if (character === lineEnd) open.line++
  if (open.place === 'quoted') {
    if (character === quote) open.place = 'closing'
    else addRun(open, character)
  } else if (character === quote) openQuotes(open)
  else if (character === lineEnd) return 'ended'
  else endField(open)
  return 'open'
}

function openQuotes(open: OpenRecord): void {
  if (open.place === 'plain') {
    open.fault ??= 'has a quote inside a field that does not begin with one'
    return
  }
  const isDoubled = open.place === 'closing'
  open.place = 'quoted'
  if (isDoubled) addRun(open, quote)
}

function endField(open: OpenRecord): void {
  grow(open, 1)
  if (open.fault === null) open.fields.push(open.field)
  open.field = ''
  open.place = 'opening'
}

function grow(open: OpenRecord, by: number): void {
  open.length += by
  if (open.length > limits.memberLineLength) open.fault ??= tooLong
}
