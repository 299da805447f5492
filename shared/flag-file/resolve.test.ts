import { expect, test } from 'vitest'
import { evaluate } from '../engine/evaluate.ts'
import { compileFlagFile, loadBody } from './compile-flag-file.ts'
import { FlagFile } from './flag-file.ts'
import { resolve } from './resolve.ts'

const now = Date.parse('2026-11-20T12:00:00Z')

function snapshotOf(file: object, environment?: string) {
  return loadBody(compileFlagFile(resolve(FlagFile.parse(file), environment)))
}

function valueOf(file: object, key: string, environment?: string) {
  const decision = evaluate(snapshotOf(file, environment), key, { targetingKey: 'u' }, now)
  return decision.reason === 'ERROR' ? decision.errorCode : decision.value
}

test('a boolean flag that says nothing more serves true to everybody while it is on, and false while it is off', () => {
  expect(valueOf({ flags: { a: { enabled: true } } }, 'a')).toBe(true)
  expect(valueOf({ flags: { a: { enabled: false } } }, 'a')).toBe(false)
})

test('another flag serves its first variant, and its type is that of its values', () => {
  const flags = {
    text: { enabled: true, variants: { b: 'B', a: 'A' } },
    mixed: { enabled: true, variants: { n: 1, t: 'T' } },
    nothing: { enabled: true, variants: { none: null } },
  }
  expect(valueOf({ flags }, 'text')).toBe('B')
  const types = resolve(FlagFile.parse({ flags })).flags.map(({ valueType }) => valueType)
  expect(types).toEqual(['string', 'json', 'json'])
})

test('an environment replaces the fields that it names, and leaves the others', () => {
  const flag = {
    enabled: false,
    variants: { a: 'A', b: 'B', c: 'C' },
    offVariant: 'c',
    fallthrough: { variant: 'a' },
    environments: { production: { enabled: true }, staging: { enabled: true, variant: 'b' } },
  }
  const file = { flags: { flag } }
  expect(valueOf(file, 'flag')).toBe('C')
  expect(valueOf(file, 'flag', 'production')).toBe('A')
  expect(valueOf(file, 'flag', 'staging')).toBe('B')
  expect(valueOf(file, 'flag', 'elsewhere')).toBe('C')
})

test('a segment has nobody until it says who, and in an environment who it says there', () => {
  const isMember = { when: { segment: 'testers' }, serve: { variant: 'on' } }
  const file = {
    flags: { a: { enabled: true, variant: 'off', rules: [isMember] } },
    segments: { testers: { environments: { production: { include: ['u'] } } } },
  }
  expect(valueOf(file, 'a')).toBe(false)
  expect(valueOf(file, 'a', 'production')).toBe(true)
})

const sampled = { when: { all: [] }, sample: { share: 50_000 }, serve: { variant: 'on' } }
const split = { split: { weights: [{ variant: 'on', weight: 50_000 }, { variant: 'off', weight: 50_000 }] } } // prettier-ignore

test('seeds and ids that are left out are made of the keys: the same each time, another for each', () => {
  const file = FlagFile.parse({
    flags: {
      a: { enabled: true, rules: [sampled, sampled], fallthrough: split },
      b: { enabled: true, rules: [sampled], fallthrough: split },
    },
    layers: { a: { slots: [{ name: 'x', from: 0, to: 1 }] } },
  })
  const first = resolve(file)
  expect(resolve(file)).toEqual(first)
  const rules = first.flags.flatMap(({ state }) => state.rules)
  const made = [...first.flags, ...first.layers].map(({ seed }) => seed)
  const all = [...made, ...rules.map(({ id }) => id), ...rules.map(({ sample }) => sample?.seed)]
  expect(new Set(all).size).toBe(3 + 3 + 3)
  for (const { id } of rules) expect(id).toMatch(/^rul_[0-9a-z]{26}$/)
  for (const seed of made) expect(seed).toMatch(/^[0-9a-f]{16}$/)
  // Written down: who updates moves nobody.
  expect(made).toEqual(['52b77cff5b4a455f', 'f803b7a1c7403760', '841a37156f0d083b'])
})

test('what a file gives is kept', () => {
  const rule = { ...sampled, id: `rul_${'0'.repeat(26)}`, sample: { share: 1, seed: '00000000000000ff' } }
  const file = FlagFile.parse({ flags: { a: { enabled: true, seed: '0000000000000001', rules: [rule] } } })
  expect(resolve(file).flags[0]).toMatchObject({ seed: '0000000000000001', state: { rules: [rule] } })
})

test('a split by made seeds gives each half, and two flags divide contexts independently', () => {
  const file = {
    flags: {
      'flag-1': { enabled: true, fallthrough: split },
      'flag-2': { enabled: true, fallthrough: split },
    },
  }
  const snapshot = snapshotOf(file)
  let [first, both] = [0, 0]
  for (let i = 0; i < 20_000; i++) {
    const given = ['flag-1', 'flag-2'].map((key) =>
      evaluate(snapshot, key, { targetingKey: `user-${i}` }, now),
    )
    const [a, b] = given.map((decision) => decision.reason !== 'ERROR' && decision.value === true)
    if (a) first++
    if (a && b) both++
  }
  expect(Math.abs(first / 20_000 - 0.5)).toBeLessThan(0.02)
  expect(Math.abs(both / 20_000 - 0.25)).toBeLessThan(0.02)
})

test('an uploaded list, which only a server holds, is an error of the flags that need it and never an empty list', () => {
  const members = { hash: 'a'.repeat(64), count: 3 }
  const file = {
    flags: {
      a: { enabled: true, rules: [{ when: { segment: 'large' }, serve: { variant: 'on' } }] },
      b: { enabled: true },
    },
    segments: { large: { members } },
  }
  expect(valueOf(file, 'a')).toBe('GENERAL')
  expect(valueOf(file, 'b')).toBe(true)
})
