import { expect, test } from 'vitest'
import { formatBody, formatLine, loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { makeTally, takeCounts } from '@halyard/shared/engine/tally.ts'
import { makeFlags } from './make-flags.ts'

const values = { flag: true, theme: 'dark', limit: 5, config: { a: [1] } }
const lines = Object.entries(values).map(([key, value]) => {
  const valueType = typeof value === 'object' ? 'json' : typeof value
  const rules = [{ id: 'r', when: { attribute: 'off', op: 'eq', value: true }, serve: { variant: 'none' } }]
  const variants = [
    { key: 'some', value },
    { key: 'none', value: { flag: false, theme: 'light', limit: 0, config: [] }[key] },
  ]
  const rest = {
    seed: '0123456789abcdef',
    clientVisible: true,
    enabled: true,
    offVariant: 'none',
    overrides: [],
  }
  const config = { valueType, variants, ...rest, rules, fallthrough: { variant: 'some' } }
  return formatLine('flag', key, JSON.stringify(config))
})

function make() {
  const view = {
    snapshot: loadSnapshot(formatBody([...lines, 'flag\tbroken\t{'])),
    version: '1.1',
    tally: makeTally(),
  }
  return { view, flags: makeFlags({ view: () => view, now: () => 0 }) }
}

test('each typed call gives the value of its type', () => {
  const { flags } = make()
  expect([
    flags.boolean('flag' as never, false),
    flags.string('theme' as never, ''),
    flags.number('limit' as never, 0),
    flags.json('config' as never, {}),
    flags.isEnabled('flag' as never),
    flags.variant('theme' as never),
  ]).toEqual([true, 'dark', 5, { a: [1] }, true, 'some'])
})

test('a flag that is missing, broken or of another type gives the default, and the details say why', () => {
  const { flags } = make()
  expect([
    flags.number('theme' as never, 7),
    flags.number('none' as never, 8),
    flags.boolean('broken' as never, true),
  ]).toEqual([7, 8, true])
  const codes = ['theme', 'none', 'broken'].map((key) => flags.numberDetails(key as never, 9))
  expect(codes.map(({ value, errorCode, reason, variant }) => [value, errorCode, reason, variant])).toEqual([
    [9, 'TYPE_MISMATCH', 'ERROR', undefined],
    [9, 'FLAG_NOT_FOUND', 'ERROR', undefined],
    [9, 'PARSE_ERROR', 'ERROR', undefined],
  ])
  expect([flags.isEnabled('theme' as never), flags.variant('broken' as never)]).toEqual([false, undefined])
})

test('without flags every call gives its default, and says that there are none', () => {
  const flags = makeFlags({ view: () => null, now: () => 0 })
  expect([flags.boolean('a' as never, true), flags.version, flags.all()]).toEqual([true, null, {}])
  expect(flags.stringDetails('a' as never, 'x').errorCode).toBe('PROVIDER_NOT_READY')
  expect(flags.explain('a').details.errorCode).toBe('PROVIDER_NOT_READY')
})

test('evaluations are counted by the variant that the flag gave, explanations and all flags are not', () => {
  const { flags, view } = make()
  flags.boolean('flag' as never, false)
  flags.booleanDetails('flag' as never, false, { off: true })
  flags.boolean('broken' as never, false)
  flags.boolean('none' as never, false)
  flags.explain('flag')
  flags.all()
  expect(takeCounts(view.tally)).toEqual([
    { flag: 'flag', variant: 'some', times: 1 },
    { flag: 'flag', variant: 'none', times: 1 },
    { flag: 'broken', variant: null, times: 1 },
  ])
})

test('whatever is given as a context, nothing throws', () => {
  const { flags } = make()
  for (const context of [null, 5, 'x', [], () => 1, Object.create(null), new Date()])
    expect(flags.boolean('flag' as never, false, context as never)).toBe(true)
})
