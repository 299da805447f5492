import { expect, test } from 'vitest'
import { checkFlagFile } from './check-flag-file.ts'
import { describeFault } from './file-fault.ts'
import { FlagFile } from './flag-file.ts'
import { formatOf, readFlagFile, type FileFormat } from './parse-flag-file.ts'

function faultsOf(text: string, format: FileFormat): string[] {
  const read = readFlagFile(text, format)
  return read.file === null ? read.faults.map(describeFault) : []
}

test('the simplest file is read, as JSON and as YAML', () => {
  const expected = { flags: { 'new-checkout': { enabled: true, variant: 'on' } } }
  expect(readFlagFile(JSON.stringify(expected), 'json').file).toEqual(expected)
  expect(readFlagFile('flags:\n  new-checkout: { enabled: true, variant: on }\n', 'yaml').file).toEqual(
    expected,
  )
  expect(readFlagFile(`\ufeff${JSON.stringify(expected)}`, 'json').file).toEqual(expected)
})

test('the format of a file is told by the end of its name', () => {
  expect(['a.json', 'a.yaml', 'a.YML', 'json', 'a.json5'].map(formatOf)).toEqual([
    'json',
    'yaml',
    'yaml',
    null,
    null,
  ])
})

test('keys of YAML are texts, whatever they look like', () => {
  const text = 'flags:\n  2:\n    enabled: true\n    variants: { 1: one, on: two, null: three }\n'
  expect(readFlagFile(text, 'yaml').file?.flags['2']?.variants).toEqual({
    1: 'one',
    on: 'two',
    null: 'three',
  })
})

const json = `{
  "flags": {
    "a": { "enabled": "yes" },
    "b/c": { "enabled": true },
    "d": {
      "enabled": true,
      "rules": [
        { "when": { "all": [] } }
      ], "colour": 1
    }
  }
}`
const yaml = `flags:
  a: { enabled: "yes" }
  # a comment
  b/c: { enabled: true }
  d:
    enabled: true
    colour: 1
    rules:
      - when: { all: [] }
`

test('everything that is wrong with the form is told at once, with the lines where it stands', () => {
  const [a, bc, colour, serve] = [
    '/flags/a/enabled: must be true or false',
    '/flags/b~1c: is no key here: 1 to 100 of A-Z a-z 0-9 . _ -, starting with a letter or digit',
    '/flags/d/colour: is not a field here',
    '/flags/d/rules/0/serve: is required',
  ]
  expect(new Set(faultsOf(json, 'json'))).toEqual(
    new Set([`line 3: ${a}`, `line 4: ${bc}`, `line 9: ${colour}`, `line 8: ${serve}`]),
  )
  expect(new Set(faultsOf(yaml, 'yaml'))).toEqual(
    new Set([`line 2: ${a}`, `line 4: ${bc}`, `line 7: ${colour}`, `line 9: ${serve}`]),
  )
})

test.each<readonly [FileFormat, string, string]>([
  ['json', '{"flags": {\n  "a": {"enabled": true},\n  "a": {"enabled": false}}}', 'line 3: /flags/a: stands twice in its object; each name may stand once'],
  ['json', '{"flags": {"a": {"enabled": true,\n "\\u0065nabled": false}}}', 'line 2: /flags/a/enabled: stands twice in its object; each name may stand once'],
  ['yaml', 'flags:\n  a:\n    enabled: true\n    enabled: false\n', 'line 4: a name stands twice; each may stand once'],
  ['yaml', 'flags:\n  1: {enabled: true}\n  "1": {enabled: true}\n', 'line 3: a name stands twice; each may stand once'],
  ['json', '{"flags": {"a": {"enabled": true, "variants": {"__proto__": 1, "b": 2}}}}', 'line 1: /flags/a/variants/__proto__: is a name that nothing here may have'],
  ['yaml', 'flags:\n  __proto__: {enabled: true}\n', 'line 2: /flags/__proto__: is a name that nothing here may have'],
  ['yaml', 'flags:\n  a: {enabled: true}\n---\nflags: {}\n', 'line 3: is not YAML: Source contains multiple documents; please use YAML.parseAllDocuments()'],
  ['yaml', 'flags: !odd\n  a: {enabled: true}\n', 'line 1: is not YAML: Unresolved tag: !odd'],
  ['yaml', 'flags:\n  a: {enabled: true, variants: {x: .nan}}\n', 'line 2: /flags/a/variants/x: is a number beyond the range of a double'],
  ['json', '{"flags": {"a": {"enabled": true, "variants": {"x": 1e999}}}}', 'line 1: /flags/a/variants/x: is a number beyond the range of a double'],
  ['yaml', '&a [*a]', 'has an alias to what it stands in'],
  ['yaml', 'a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n', 'has aliases that stand for too much'],
  ['yaml', '['.repeat(50_000), 'is nested too deep'],
  ['json', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'line 1: is nested more than 80 deep'],
  ['json', '', 'line 1: is not JSON: Unexpected end of JSON input'],
  ['json', '{"flags": {\n', "line 2: is not JSON: Expected property name or '}'"],
  ['json', '{"flags":\n{}} x', 'line 2: is not JSON: Unexpected non-whitespace character after JSON'],
  ['yaml', '', 'must be an object'],
  ['json', '{"flags": {"a": {"enabled": true}, "A": {"enabled": true}}}', 'line 1: /flags/A: there is "a": keys differ not only by case'],
])('refuses as %s: %s', (format, text, fault) => {
  const faults = faultsOf(text, format)
  expect(faults).toHaveLength(1)
  expect(faults[0]).toContain(fault)
}) // prettier-ignore

test('a flag that is not boolean needs its variants, and no flag has more than 64', () => {
  const variants = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`v${i}`, i]))
  const file = FlagFile.parse({
    flags: {
      a: { enabled: true, valueType: 'number' },
      b: { enabled: true, variants },
      c: { enabled: true, variants: {} },
    },
  })
  expect(checkFlagFile(file)).toEqual([
    { pointer: '/flags/a/variants', detail: 'a number flag needs its variants: {"KEY": VALUE, …}' },
    { pointer: '/flags/b/variants', detail: 'there are 65; at most 64 are allowed' },
    { pointer: '/flags/c/variants', detail: 'a boolean flag needs its variants: {"KEY": VALUE, …}' },
  ])
})

test('the limits of an environment hold for each that a file names', () => {
  const when = { any: Array.from({ length: 150 }, (_, i) => ({ attribute: 'a', op: 'eq', value: i })) }
  const patterns = {
    any: Array.from({ length: 110 }, (_, i) => ({ attribute: 'a', op: 'matches', value: `a${i}` })),
  }
  const rules = [{ when, serve: { variant: 'on' } }]
  const flag = {
    enabled: true,
    rules,
    environments: { production: { rules: [{ when: patterns, serve: { variant: 'on' } }] } },
  }
  const faults = checkFlagFile(FlagFile.parse({ flags: { a: flag, b: flag } }))
  expect(faults.map(({ detail }) => detail)).toContain(
    'there are 220 patterns (matches) in production; at most 200 are allowed',
  )
  expect(faults.every(({ detail }) => !detail.includes('undefined'))).toBe(true)
  const value = 'x'.repeat(60_000)
  const flags = Object.fromEntries(
    Array.from({ length: 80 }, (_, i) => [`f${i}`, { enabled: true, variants: { value } }]),
  )
  expect(checkFlagFile(FlagFile.parse({ flags }))).toMatchObject([
    { detail: expect.stringContaining('bytes as a snapshot') },
  ])
})
