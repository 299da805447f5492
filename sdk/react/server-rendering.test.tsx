import { renderToString } from 'react-dom/server'
import { afterEach, expect, expectTypeOf, test, vi } from 'vitest'
import type { Json } from '../client/flags.ts'
import { createHooks, HalyardProvider, useFlag, useFlagDetails } from './index.tsx'

interface FlagTypes {
  'new-checkout': boolean
  theme: 'dark' | 'light'
  limits: { readonly max: number }
}

const typed = createHooks<FlagTypes>()
const options = { edge: 'https://flags.example', key: 'hyd_cli_test', context: { targetingKey: 'user-1' } }
const flags = { 'new-checkout': { value: true, variant: 'on', reason: 'STATIC' } } as const
const bootstrap = { version: '1.1', targetingKey: 'user-1', flags }

afterEach(() => vi.unstubAllGlobals())

function Checkout() {
  const isNew = useFlag('new-checkout', false)
  const { variant, errorCode } = useFlagDetails('theme', 'none')
  return `${isNew} ${variant} ${errorCode}`
}

test('a server renders the values of the bootstrap, and asks, waits and leaves behind nothing', () => {
  const fetched = vi.fn<typeof fetch>(() => Promise.reject(new Error('offline')))
  const timed = vi.fn<typeof setTimeout>()
  vi.stubGlobal('fetch', fetched)
  vi.stubGlobal('setTimeout', timed)
  const html = renderToString(
    <HalyardProvider options={{ ...options, bootstrap }} fallback="waiting">
      <Checkout />
    </HalyardProvider>,
  )
  expect(html).toContain('true undefined FLAG_NOT_FOUND')
  expect(fetched).not.toHaveBeenCalled()
  expect(timed).not.toHaveBeenCalled()
})

test('without a bootstrap a server renders defaults, also where a browser would wait', () => {
  const html = renderToString(
    <HalyardProvider options={options} fallback="waiting">
      <Checkout />
    </HalyardProvider>,
  )
  expect(html).toContain('false undefined PROVIDER_NOT_READY')
})

test('a hook outside of a provider says what is missing, and wrong options what is wrong', () => {
  expect(() => renderToString(<Checkout />)).toThrow(/put one above/)
  const wrong = { ...options, key: 'hyd_srv_secret' }
  expect(() => renderToString(<HalyardProvider options={wrong} />)).toThrow(/must be a client key/)
})

function Typed() {
  expectTypeOf(useFlag('any', false)).toEqualTypeOf<boolean>()
  expectTypeOf(useFlag('any', 'text')).toEqualTypeOf<string>()
  expectTypeOf(useFlag('any', { max: 1 })).toEqualTypeOf<{ max: number }>()
  expectTypeOf(useFlag('any', [])).toEqualTypeOf<readonly Json[]>()
  expectTypeOf(useFlag('any', null)).toEqualTypeOf<Json>()
  const theme = typed.useFlag('theme', 'light')
  expectTypeOf(theme).toEqualTypeOf<'dark' | 'light'>()
  expectTypeOf(typed.useFlagDetails('limits', { max: 1 }).value).toEqualTypeOf<{ readonly max: number }>()
  // @ts-expect-error -- no such value
  typed.useFlag('theme', 'blue')
  // @ts-expect-error -- no such flag
  typed.useFlag('gone', false)
  return theme
}

test('hooks are typed by their defaults, and by the types that codegen wrote', () => {
  const html = renderToString(
    <HalyardProvider options={options}>
      <Typed />
    </HalyardProvider>,
  )
  expect(html).toBe('light')
})
