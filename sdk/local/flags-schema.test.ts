import { readFileSync } from 'node:fs'
import { Validator } from '@cfworker/json-schema'
import { expect, test } from 'vitest'
import { FlagFile } from '@halyard/shared/flag-file/flag-file.ts'
import { makeFlagsSchema, schemaPath } from './flags-schema.ts'

const schema = JSON.parse(readFileSync(schemaPath, 'utf8'))
const validator = new Validator(schema, '2020-12')

test('the published schema is what the check of files says now: `node sdk/local/flags-schema.ts && npx oxfmt sdk/local` writes it', () => {
  expect(schema).toEqual(makeFlagsSchema())
})

const flag = (fields: object) => ({ flags: { a: { enabled: true, ...fields } } })
const rule = (when: object) => flag({ rules: [{ when, serve: { variant: 'on' } }] })

const samples: readonly (readonly [string, unknown, boolean])[] = [
  ['the simplest file', flag({ variant: 'on' }), true],
  ['no flags', { flags: {} }, true],
  ['a $schema', { $schema: './flags.schema.json', flags: {} }, true],
  ['values of any JSON', flag({ variants: { a: null, b: [1, { c: 'd' }] } }), true],
  ['a nested condition', rule({ all: [{ not: { any: [{ segment: 's' }, { flag: 'f', variants: ['on'] }] } }] }), true],
  ['comparisons', rule({ all: [{ attribute: 'a', op: 'in', values: ['x', 1, true] }, { attribute: 'v', op: 'semverGte', value: '1.2' }] }), true],
  ['a split', flag({ fallthrough: { split: { weights: [{ variant: 'on', weight: 100_000 }] } } }), true],
  ['a ramp', flag({ fallthrough: { ramp: { from: 'off', to: 'on', steps: [{ at: '2026-01-01T00:00:00Z', share: 1 }] } } }), true],
  ['an environment', flag({ environments: { production: { enabled: false, variant: 'on' } } }), true],
  ['segments and layers', { flags: {}, segments: { s: { include: ['u'] } }, layers: { l: { slots: [{ name: 'x', from: 0, to: 5 }] } } }, true],
  ['a list', [], false],
  ['no flags at all', {}, false],
  ['an unknown field', flag({ colour: 1 }), false],
  ['an unknown field of the file', { flags: {}, colour: 1 }, false],
  ['a switch that is a text', flag({ enabled: 'yes' }), false],
  ['no switch', { flags: { a: {} } }, false],
  ['a key with a slash', { flags: { 'a/b': { enabled: true } } }, false],
  ['an unknown operator', rule({ attribute: 'a', op: 'is', value: 1 }), false],
  ['a comparison without its operand', rule({ attribute: 'a', op: 'eq' }), false],
  ['a serve of two kinds', flag({ fallthrough: { variant: 'on', ramp: {} } }), false],
  ['a seed of other letters', flag({ seed: 'ABCDEF0123456789' }), false],
  ['a weight beyond all', flag({ fallthrough: { split: { weights: [{ variant: 'on', weight: 100_001 }] } } }), false],
  ['a slot without an end', { flags: {}, layers: { l: { slots: [{ name: 'x', from: 0 }] } } }, false],
] // prettier-ignore

test.each(samples)('schema and check agree about %s', (_, file, isFine) => {
  expect(FlagFile.safeParse(file).success).toBe(isFine)
  expect(validator.validate(file).valid).toBe(isFine)
})
