import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { limits } from '@halyard/shared/contract/limits.ts'
import { readCsv } from './members-csv.ts'
import { readNdjson, type LineReader } from './members-lines.ts'

test('a line of NDJSON is a text, a number or an object with an id', () => {
  const text =
    '"a"\n  "b \\u00e9"  \r\n\n17\n-0.5\n{"id":"c","plan":"pro"}\n{"id":4}\n{"__proto__":{},"id":"d"}\n"e"'
  expect(ndjson(text)).toEqual({ ids: ['a', 'b é', '17', '-0.5', 'c', '4', 'd', 'e'], wrong: [] })
  expect(ndjson('')).toEqual({ ids: [], wrong: [] })
})

test('a line of NDJSON that holds no id is named with what is allowed', () => {
  const lines = ['"a"', 'user-1', '{"key":"x"}', 'null', '[1]', '', 'true', '{"id":[1]}', '"b"']
  const { ids, wrong } = ndjson(lines.join('\n'))
  expect(ids).toEqual(['a', 'b'])
  expect(wrong.map(([line]) => line)).toEqual([2, 3, 4, 5, 7, 8])
  for (const [, detail] of wrong) expect(detail).toContain('allowed are a text, a number, or an object')
})

test('a number that JSON rounds is refused, and none of the exact ones', () => {
  const { ids, wrong } = ndjson('9007199254740991\n9007199254740993\n1e400\n1e21\n-9007199254740991')
  expect(ids).toEqual(['9007199254740991', '-9007199254740991'])
  expect(wrong.map(([line]) => line)).toEqual([2, 3, 4])
})

test.each([
  ['9007199254740991.4', '9007199254740991'],
  ['1.0000000000000000001', '1'],
  ['1.0', '1'],
  ['-0', '0'],
  ['1e3', '1000'],
  ['100000000000000000000000', '1e+23'],
])('the number %s is another one than it says, and is to be written as a text', (number, read) => {
  const lines = [
    number,
    ` {"n":1,"i\\"d":2,"\\u0069d":${number},"x":{"id":${read}}} `,
    `{"id":5,"id":${number}}`,
  ]
  const detail = `holds the number ${number}, which is read as ${read}: write it as a text`
  expect(ndjson(lines.join('\n'))).toEqual({ ids: [], wrong: [1, 2, 3].map((line) => [line, detail]) })
  expect(ndjson(`"${number}"`).ids).toEqual([number])
})

test('a number that is written as it is read is taken, in an object too', () => {
  const numbers = ['0.1', '-5', '1e+21', '5e-324', '9007199254740991']
  const lines = numbers.map((number) => `{"a":"\\\\","id": ${number},"b":[1.0,"1.0"]}`)
  expect(ndjson(lines.join('\n'))).toEqual({ ids: numbers, wrong: [] })
})

test('a line that is too long is named, and the next one is read', () => {
  const long = `"${'x'.repeat(limits.memberLineLength)}"`
  for (const size of [1_000, 1_000_000])
    expect(inPieces(readNdjson, `"a"\n${long}\n"b"\n${long}`, size)).toMatchObject({
      ids: ['a', 'b'],
      wrong: [
        [2, expect.stringContaining('longer than 65536')],
        [4, expect.stringContaining('longer than 65536')],
      ],
    })
})

test('a CSV gives the ids of the named column, or of the first', () => {
  const text = 'plan,user id,country\r\npro,u1,CA\r\nfree,u2,DE'
  expect(csv(text, 'user id')).toEqual({ ids: ['u1', 'u2'], wrong: [] })
  expect(csv(text)).toEqual({ ids: ['pro', 'free'], wrong: [] })
})

test('quoted fields of a CSV hold commas, quotes and line breaks, as RFC 4180 says', () => {
  const text = 'id,"the ""name"""\n"a,1","x\r\ny"\n"say ""hi""",""\n"",z\n"b" ,x\n"c\nd",\n'
  expect(csv(text).ids).toEqual(['a,1', 'say "hi"', '', 'c\nd'])
  expect(csv(text).wrong).toEqual([[6, 'has text after a closing quote']])
  expect(csv(text, 'the "name"').ids).toEqual(['x\r\ny', '', 'z', ''])
})

test('blank lines of a CSV are nothing, and an empty quoted field is one', () => {
  expect(csv('\nid\n\na\r\n\r\n""\n')).toEqual({ ids: ['a', ''], wrong: [] })
})

test('a record that is not like the header, or not a CSV, is named by its first line', () => {
  const text = 'id,plan\na,b,c\n"x\ny",z\nd\n5" tv,e\nf,g\n"h'
  expect(csv(text)).toEqual({
    ids: ['x\ny', 'f'],
    wrong: [
      [2, 'has 3 fields, but the header has 2'],
      [5, 'has 1 fields, but the header has 2'],
      [6, 'has a quote inside a field that does not begin with one'],
      [8, 'begins a quoted field that does not end'],
    ],
  })
})

test('a CSV without the column or without a header says so', () => {
  expect(csv('id,plan\na,b', 'user')).toEqual({
    ids: [],
    wrong: [[1, 'names no column "user"; it names id, plan']],
  })
  expect(csv('').wrong).toEqual([[1, 'is missing: the first line of a CSV names the columns']])
})

test('a record that is too long is named, and the next one is read', () => {
  const long = 'x'.repeat(limits.memberLineLength + 1)
  const texts = [long, `"${long}"`, ','.repeat(long.length), '"'.repeat(2 * long.length)]
  for (const text of texts.map((record) => `id\n${record}\nb`))
    expect(inPieces(readCsv, text, 1_000)).toMatchObject({
      ids: ['b'],
      wrong: [[2, expect.stringContaining('longer than 65536')]],
    })
})

test('where a list is cut makes no difference', () => {
  const csvText = fc.array(fc.constantFrom('"', '""', ',', '\n', '\r\n', '\r', 'a', 'é', '🦊', ' '), {
    maxLength: 40,
  })
  const lines = fc.constantFrom('"a"', '5', '{"id":"x"}', '"é🦊"', '', 'nope', '{')
  const jsonText = fc.array(fc.tuple(lines, fc.constantFrom('\n', '\r\n')), { maxLength: 12 })
  fc.assert(
    fc.property(csvText, jsonText, fc.integer({ min: 1, max: 5 }), (csvParts, jsonParts, size) => {
      const [table, json] = [`id,n\n${csvParts.join('')}`, jsonParts.flat().join('')]
      expect(inPieces(readCsv, table, size)).toEqual(csv(table))
      expect(inPieces(readNdjson, json, size)).toEqual(ndjson(json))
    }),
    { numRuns: 1_000 },
  )
})

test('a CSV that was written by the rules is read back as it was', () => {
  const field = fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a', '日', ' '), maxLength: 6 })
  const rows = fc.array(fc.tuple(field, field), { maxLength: 8 })
  fc.assert(
    fc.property(rows, fc.constantFrom('\n', '\r\n'), (written, end) => {
      const text = [['id', 'n'], ...written].map((row) => row.map(quoted).join(',') + end).join('')
      expect(csv(text)).toEqual({ ids: written.map(([id]) => id), wrong: [] })
      expect(csv(text, 'n').ids).toEqual(written.map(([, other]) => other))
    }),
  )
})

const quoted = (field: string) => `"${field.replaceAll('"', '""')}"`
const ndjson = (text: string) => inPieces(readNdjson, text, text.length)
const csv = (text: string, column?: string) => inPieces((sink) => readCsv(sink, column), text, text.length)

function inPieces(open: (sink: Parameters<typeof readCsv>[0]) => LineReader, text: string, size: number) {
  const ids: string[] = []
  const wrong: [line: number, detail: string][] = []
  const reader = open({ id: (id) => ids.push(id), wrong: (line, detail) => wrong.push([line, detail]) })
  for (let at = 0; at < text.length; at += size) reader.take(text.slice(at, at + size))
  reader.end()
  return { ids, wrong }
}
