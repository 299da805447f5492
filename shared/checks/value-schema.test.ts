import { format } from '@cfworker/json-schema'
import { expect, test } from 'vitest'
import type { Json } from '../engine/model.ts'
import { schemaFormErrors } from './value-schema-form.ts'
import { schemaErrors } from './value-schema.ts'

const theme = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://shop.example/theme.json',
  title: 'Theme',
  type: 'object',
  required: ['color'],
  additionalProperties: false,
  properties: {
    color: { type: 'string', pattern: '^#[0-9a-f]{6}$' },
    size: { anyOf: [{ type: 'integer', minimum: 1 }, { enum: ['small', 'large'] }] },
    constructor: { type: 'string' },
    sizes: { type: 'array', items: { $ref: '#/$defs/size' }, uniqueItems: true, maxItems: 3 },
  },
  $defs: { size: { type: 'number', exclusiveMinimum: 0 } },
}

function errorsOf(schema: Json, ...values: Json[]): [string, string][] {
  const variants = values.map((value) => ({ value }))
  return schemaErrors(schema, variants, '').map(({ pointer, detail }) => [pointer, detail])
}

test('a schema may say what draft 2020-12 says', () => {
  expect(schemaFormErrors(theme, '/schema')).toEqual([])
})

test('values that satisfy a schema have no errors', () => {
  const fine = [
    { color: '#00ff00' },
    { color: '#ffffff', size: 3, sizes: [1, 2] },
    { color: '#0a0a0a', size: 'small' },
  ]
  expect(errorsOf(theme, ...fine)).toEqual([])
  expect(errorsOf(true, 1)).toEqual([])
})

test.for<[Json, string, string]>([
  ['red', '', 'is of type string, must be "object"'],
  [{}, '', 'does not have required property "color"'],
  [{ color: 'red' }, '/color', 'does not match the pattern ^#[0-9a-f]{6}$'],
  [{ color: '#00ff00', size: 0 }, '/size', 'does not match any subschemas'],
  [{ color: '#00ff00', other: 1 }, '/other', 'is not allowed here'],
  [{ color: '#00ff00', sizes: [1, -1] }, '/sizes/1', '-1 is less than 0'],
  [{ color: '#00ff00', sizes: [1, 1] }, '/sizes', 'Duplicate items at indexes 0 and 1'],
  [{ color: '#00ff00', 'ü/~': 1 }, '/ü~1~0', 'is not allowed here'],
  [JSON.parse('{"color": "#00ff00", "__proto__": 1}'), '/__proto__', 'is not allowed here'],
])('%j is told where and why it breaks the schema', ([value, pointer, detail]) => {
  expect(errorsOf(theme, { color: '#000000' }, value)).toEqual([[`/variants/1/value${pointer}`, detail]])
})

test('a property may have the name of something that every object inherits', () => {
  expect(errorsOf(theme, { color: '#00ff00' })).toEqual([])
  expect(errorsOf(theme, { color: '#00ff00', constructor: 1 })).toEqual([
    ['/variants/0/value/constructor', 'is of type number, must be "string"'],
  ])
})

test.for<[string, Json, string]>([
  ['no schema', { properties: { a: 5 } }, '/properties/a'],
  ['an unknown type', { type: 'strng' }, '/type'],
  ['an unknown keyword', { requird: ['a'] }, '/requird'],
  ['a keyword of an older draft', { dependencies: {} }, '/dependencies'],
  ['another draft', { $schema: 'http://json-schema.org/draft-07/schema#' }, '/$schema'],
  ['a $ref to another document', { $ref: 'https://other.example/x.json' }, '/$ref'],
  ['a $ref to nothing', { items: { $ref: '#/$defs/x' } }, '/items/$ref'],
  ['a $ref that is one letter', { $ref: 'x' }, '/$ref'],
  ['a $ref to what is no schema', { $ref: '#/enum', enum: [1] }, '/$ref'],
  ['a $ref that is no text', { $ref: 5 }, '/$ref'],
  ['another base', { items: { $id: 'x' } }, '/items/$id'],
  ['a format that nothing checks', { format: 'idn-email' }, '/format'],
  ['a pattern that is none', { pattern: '(' }, '/pattern'],
  ['a pattern that needs backtracking', { pattern: '(?=a)' }, '/pattern'],
  ['a costly pattern', { pattern: '(abc){900}' }, '/pattern'],
  ['a pattern that repeats too often', { pattern: '((a{100}){10}){10}' }, '/pattern'],
  ['a long pattern', { pattern: 'a'.repeat(257) }, '/pattern'],
  ['patternProperties', { patternProperties: { a: true } }, '/patternProperties'],
  ['a negative length', { minLength: -1 }, '/minLength'],
  ['a text as bound', { maximum: '5' }, '/maximum'],
  ['an empty enum', { enum: [] }, '/enum'],
  ['an empty anyOf', { anyOf: [] }, '/anyOf'],
  ['properties that are a list', { properties: [] }, '/properties'],
  ['required that is no list of texts', { required: [1] }, '/required'],
  ['multiples of zero', { multipleOf: 0 }, '/multipleOf'],
])('a schema may not have %s', ([, schema, pointer]) => {
  expect(schemaFormErrors(schema, '/schema').map((error) => error.pointer)).toEqual([`/schema${pointer}`])
})

test('names of your own begin with x- and count for nothing', () => {
  const schema = { 'x-owner': { type: 'strng' }, type: 'string' }
  expect(schemaFormErrors(schema, '')).toEqual([])
  expect(errorsOf(schema, 'a')).toEqual([])
})

const doubling = Object.fromEntries(
  Array.from({ length: 40 }, (_, i) => [
    `d${i}`,
    { allOf: [1, 2].map(() => ({ $ref: `#/$defs/d${i + 1}` })) },
  ]),
)

test.for<[string, Json, Json]>([
  ['refers to itself', { $ref: '#' }, 1],
  ['doubles at each reference', { $defs: { ...doubling, d40: true }, $ref: '#/$defs/d0' }, 1],
  ['compares all items with each other', { uniqueItems: true }, Array.from({ length: 20_000 }, (_, i) => i)],
])('a schema that %s ends with an error', ([, schema, value]) => {
  const result = errorsOf(schema, value)
  expect(result).toEqual([['/variants/0/value', expect.stringContaining('more than 200000 steps')]])
})

test('a pattern costs linear time, and the library is left as it was', () => {
  const before = Object.keys(format)
  const result = errorsOf({ pattern: '^(a+)+$' }, `${'a'.repeat(60_000)}!`)
  expect(result).toEqual([['/variants/0/value', 'does not match the pattern ^(a+)+$']])
  expect(Object.keys(format)).toEqual(before)
})

test('the steps are for all variants of a flag together', () => {
  const list = Array.from({ length: 8_000 }, () => 1)
  const schema = { items: { allOf: Array.from({ length: 10 }, () => ({ type: 'number' })) } }
  expect(errorsOf(schema, list)).toEqual([])
  expect(errorsOf(schema, list, list, list)).toEqual([
    ['/variants/2/value', expect.stringContaining('steps')],
  ])
})
