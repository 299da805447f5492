import { expect, test } from 'vitest'
import { formatBody, formatLine, loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { makeTally, takeCounts } from '@halyard/shared/engine/tally.ts'
import { makeFlags } from './make-flags.ts'
import { makeWebBootstrap } from './web-bootstrap.ts'

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

const { proxy: revoked, revoke } = Proxy.revocable({}, {})
revoke()

test.each([
  ['a getter', Object.defineProperty({}, 'off', { get: fail, enumerable: true })],
  ['a revoked proxy', revoked],
  ['a proxy', new Proxy({}, { get: fail, getPrototypeOf: fail, ownKeys: fail, has: fail })],
  [
    'a getter that throws what has no text',
    {
      get off() {
        throw Object.create(null)
      },
    },
  ], // oxlint-disable-line no-throw-literal, only-throw-error
])('a context that throws by %s gives the default and GENERAL, in every call', (_, given) => {
  const { flags, view } = make()
  const context = given as never
  expect([
    flags.boolean('flag' as never, false, context),
    flags.string('theme' as never, 'mine' as never, context),
    flags.isEnabled('flag' as never, context),
    flags.variant('flag' as never, context),
  ]).toEqual([false, 'mine', false, undefined])
  const details = flags.numberDetails('limit' as never, 9, context)
  expect([details.value, details.errorCode]).toEqual([9, 'GENERAL'])
  expect(details.errorMessage).toContain('where the context was read')
  expect(flags.all(context)['limit']).toMatchObject({ value: null, errorCode: 'GENERAL' })
  expect(flags.explain('flag', context).details.errorCode).toBe('GENERAL')
  expect(makeWebBootstrap(view, context, 0).flags).toEqual({})
  expect(makeFlags({ view: () => view, now: () => 0, context }).all({})).toHaveProperty(
    'flag.errorCode',
    'GENERAL',
  )
})

test('an explanation tells of what is no JSON too', () => {
  const { flags } = make()
  const ring: Record<string, unknown> = {}
  ring['self'] = ring
  for (const off of [5n, ring, { toJSON: fail }, () => 1, Symbol('s')]) {
    const { details, text } = flags.explain('flag', { off } as never)
    expect([details.value, text.length > 1]).toEqual([true, true])
  }
})

test('json takes whatever a flag of type json gives, and no flag of another type', () => {
  const values = { none: null, text: 'a', yes: true, five: 5, list: [1] }
  const body = Object.entries(values).map(([key, value]) => line(key, 'json', value))
  const snapshot = loadSnapshot(formatBody([...body, line('plain', 'string', '"valueType":"json"')]))
  const view = { snapshot, version: null, tally: makeTally() }
  const flags = makeFlags({ view: () => view, now: () => 0 })
  for (const [key, value] of Object.entries(values)) {
    expect(flags.json(key as never, { mine: true })).toEqual(value)
    expect(flags.jsonDetails(key as never, { mine: true })).toMatchObject({ value, reason: 'STATIC' })
  }
  expect(flags.json('plain' as never, { mine: true })).toEqual({ mine: true })
  expect(flags.jsonDetails('plain' as never, {})).toMatchObject({
    errorCode: 'TYPE_MISMATCH',
    errorMessage: 'the flag gives string, and json was asked for',
  })
})

function line(key: string, valueType: string, value: unknown): string {
  const state = { enabled: true, offVariant: 'it', overrides: [], rules: [], fallthrough: { variant: 'it' } }
  const made = { valueType, variants: [{ key: 'it', value }], seed: '0123456789abcdef', clientVisible: true }
  return formatLine('flag', key, JSON.stringify({ ...made, ...state }))
}

function fail(): never {
  throw new Error('mine')
}
