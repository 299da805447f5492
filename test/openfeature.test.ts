/** What OpenFeature's suites ask for, as facts, of both providers: over an edge, and over a file. */
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { EvaluationContext } from '@openfeature/core'
import { createLocalClient } from '@halyard/sdk/local/index.ts'
import { HalyardProvider } from '@halyard/sdk/openfeature-server/index.ts'
import { HalyardWebProvider } from '@halyard/sdk/openfeature-web/index.ts'
import { OpenFeature } from '@openfeature/server-sdk'
import { OpenFeature as OpenFeatureWeb } from '@openfeature/web-sdk'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { browserTest, useBrowser } from './browser-kit.ts'
import { disabled, fixed, mismatched, targeted } from './openfeature-facts.ts'
import { changeFlag, publishSuiteFlags } from './openfeature-kit.ts'
import type { AnyEvent, AnyHook, Level, Side, Source } from './openfeature-kit.ts'
import { makeServerSide } from './openfeature-server-side.ts'
import { makeWebSide } from './openfeature-web-side.ts'
import { startSilentEdge } from './silent-edge.ts'
import { until, useStack } from './stack-kit.ts'

const running = useStack()
const browser = useBrowser()
const held: { source?: Source } = {}
const source = (): Source => {
  if (!held.source) throw new Error('the flags are published before the tests')
  return held.source
}

beforeAll(async () => {
  held.source = await publishSuiteFlags(running.stack)
})

const file = fileURLToPath(new URL('./openfeature-flags.json', import.meta.url))
const sides: readonly (readonly [string, () => Promise<Side>])[] = [
  ['the server provider over an edge', () => makeServerSide(source())],
  ['the server provider over a file', () => makeServerSide(source(), createLocalClient({ file }))],
  ['the web provider over an edge', () => makeWebSide(source())],
]

describe.each(sides)('%s', (_, makeSide) => {
  let side: Side
  beforeAll(async () => {
    side = await makeSide()
  })
  afterAll(() => side.leave())

  const give = (context: EvaluationContext): readonly [Level, EvaluationContext] => [
    side.kind === 'web' ? 'API' : 'Invocation',
    context,
  ]

  test('a flag without rules gives its value, variant and the reason STATIC', async () => {
    const domain = await side.enter('stable')
    for (const [flagKey, other, value, variant] of fixed) {
      const details = await domain.evaluate(flagKey, other)
      expect(details).toEqual({ flagKey, value, variant, reason: 'STATIC', flagMetadata: {} })
    }
  })

  test('a rule that matches is the reason TARGETING_MATCH, any other context DEFAULT', async () => {
    for (const [email, reason] of [
      ['ballmer@macrosoft.com', 'TARGETING_MATCH'],
      ['ballmer@none.com', 'DEFAULT'],
      [null, 'DEFAULT'],
      [undefined, 'DEFAULT'],
    ] as const) {
      const domain = await side.enter('stable')
      if (email !== undefined) await domain.setContext(...give({ email }))
      for (const [flagKey, other, value] of targeted)
        expect(await domain.evaluate(flagKey, other)).toMatchObject({
          flagKey,
          value,
          variant: 'zero',
          reason,
        })
    }
  })

  test('rules see every attribute, with its type', async () => {
    const inside = { email: 'ballmer@macrosoft.com', role: 'admin', age: 65, customer: false }
    for (const [context, simple, complex] of [
      [inside, 'INTERNAL', 'INTERNAL'],
      [{ ...inside, age: 10 }, 'INTERNAL', 'EXTERNAL'],
      [{ ...inside, customer: 'false' }, 'EXTERNAL', 'EXTERNAL'],
      [{}, 'EXTERNAL', 'EXTERNAL'],
    ] as const) {
      const domain = await side.enter('stable')
      await domain.setContext(...give(context))
      expect((await domain.evaluate('context-aware', '')).value).toBe(simple)
      expect((await domain.evaluate('complex-targeted', '')).value).toBe(complex)
    }
  })

  test('a disabled flag gives its off variant, with the reason DISABLED', async () => {
    const domain = await side.enter('stable')
    for (const [key, value] of disabled)
      expect(await domain.evaluate(key, value)).toMatchObject({ value, reason: 'DISABLED' })
  })

  test('a flag of another type and one that is not there give the default value', async () => {
    const domain = await side.enter('stable')
    for (const [key, value] of mismatched)
      expect(await domain.evaluate(key, value)).toMatchObject({
        value,
        reason: 'ERROR',
        errorCode: 'TYPE_MISMATCH',
      })
    for (const value of [false, 'bye', 1, 0.1, { a: 1 }])
      expect(await domain.evaluate('missing-flag', value)).toMatchObject({
        value,
        reason: 'ERROR',
        errorCode: 'FLAG_NOT_FOUND',
        errorMessage: 'flag missing-flag not found',
      })
  })

  test.each([
    ['stable', 'READY', undefined],
    ['stale', 'STALE', undefined],
    ['not ready', 'NOT_READY', 'PROVIDER_NOT_READY'],
    ['error', 'ERROR', 'PROVIDER_NOT_READY'],
    ['fatal', 'FATAL', 'PROVIDER_FATAL'],
  ] as const)('a provider that is %s has the status %s', async (state, status, errorCode) => {
    const domain = await side.enter(state)
    expect(domain.status()).toBe(status)
    for (const value of [false, 'bye', 1, 0.1, { a: 1 }]) {
      const details = await domain.evaluate('no-flag', value)
      expect(details.errorCode).toBe(errorCode ?? 'FLAG_NOT_FOUND')
      expect(details.value).toEqual(value)
    }
    const { errorCode: known } = await domain.evaluate('boolean-flag', false)
    expect(known).toBe(errorCode)
  })

  test('each level of context is laid over the ones before it', async () => {
    for (const [index, level] of side.levels.entries()) {
      const domain = await side.enter('stable')
      const until = side.levels.slice(0, index + 1)
      for (const each of until) await domain.setContext(each, { shared: each, [each]: each })
      await domain.evaluate('boolean-flag', false)
      expect(domain.seen.at(-1)).toEqual({
        ...Object.fromEntries(until.map((each) => [each, each])),
        shared: level,
      })
    }
  })

  test('a context arrives with its types, and the one given stays as it is', async () => {
    const domain = await side.enter('stable')
    const given = {
      targetingKey: 'user-1',
      active: true,
      age: 30,
      at: new Date(0),
      tags: ['a', { b: new Date(1) }],
    }
    const copy = structuredClone(given)
    await domain.setContext(...give(given))
    await domain.evaluate('boolean-flag', false)
    expect(domain.seen.at(-1)).toEqual(copy)
    expect(given).toEqual(copy)
  })

  test('hooks run inwards before and outwards after, with the details of the evaluation', async () => {
    const domain = await side.enter('stable')
    const ran: unknown[] = []
    const hook = (name: string): AnyHook => ({
      before: () => void ran.push(`${name} before`),
      after: (_hook, { flagKey, value, variant, reason }) =>
        void ran.push([name, flagKey, value, variant, reason]),
      error: (_hook, error) => void ran.push([name, (error as { code?: string }).code]), // OpenFeature's errors have one
      finally: (_hook, { value, errorCode }) => void ran.push([name, 'finally', value, errorCode]),
    })
    domain.addHooks(hook('first'), hook('second'))
    await domain.evaluate('boolean-flag', false, { hooks: [hook('own')] })
    const names = ['own', 'second', 'first']
    expect(ran.splice(0)).toEqual([
      'first before',
      'second before',
      'own before',
      ...names.map((name) => [name, 'boolean-flag', true, 'on', 'STATIC']),
      ...names.map((name) => [name, 'finally', true, undefined]),
    ])
    for (const [key, errorCode] of [
      ['missing-flag', 'FLAG_NOT_FOUND'],
      ['wrong-flag', 'TYPE_MISMATCH'],
    ] as const) {
      await domain.evaluate(key, 13)
      expect(ran.splice(0)).toEqual([
        'first before',
        'second before',
        ...['second', 'first'].map((name) => [name, errorCode]),
        ...['second', 'first'].map((name) => [name, 'finally', 13, errorCode]),
      ])
    }
  })

  test('a handler hears of a state that began before it, and of the one that it waited for', async () => {
    for (const [state, event] of [
      ['stable', 'PROVIDER_READY'],
      ['stale', 'PROVIDER_STALE'],
      ['error', 'PROVIDER_ERROR'],
      ['fatal', 'PROVIDER_ERROR'],
    ] as const) {
      const early: (AnyEvent | undefined)[] = []
      const late: (AnyEvent | undefined)[] = []
      const domain = await side.enter(state, (to) => to.addHandler(event, (heard) => early.push(heard)))
      domain.addHandler(event, (heard) => late.push(heard))
      await until(
        async () => early.length,
        (count) => count > 0,
      )
      expect(late).toHaveLength(1)
    }
  })

  test('what is tracked reaches the client', async () => {
    const domain = await side.enter('stable')
    domain.track('the-event')
    domain.track('bought', { value: 9.5 })
    expect(domain.tracked).toEqual([
      { name: 'the-event', value: undefined },
      { name: 'bought', value: 9.5 },
    ])
  })

  test('the provider says its name', async () => {
    expect((await side.enter('stable')).metadata()).toEqual({ name: 'halyard' })
  })
})

test('the server provider tells of a flag that was changed at the edge', async () => {
  const side = await makeServerSide(source())
  onTestFinished(() => side.leave())
  const heard: (AnyEvent | undefined)[] = []
  const domain = await side.enter('stable')
  domain.addHandler('PROVIDER_CONFIGURATION_CHANGED', (event) => heard.push(event))
  const { value } = await domain.evaluate('changing-flag', false)
  await changeFlag(running.stack)
  await until(
    async () => heard.length,
    (count) => count > 0,
  )
  expect(heard[0]?.flagsChanged).toEqual(['changing-flag'])
  expect((await domain.evaluate('changing-flag', false)).value).toBe(!value)
})

test('a server provider that began without its edge becomes ready when that is there, and leaves nothing open', async () => {
  const silent = await startSilentEdge()
  onTestFinished(() => silent.close())
  onTestFinished(() => OpenFeature.clearProviders())
  const provider = new HalyardProvider({ edge: silent.origin, key: source().serverKey }, { timeoutMs: 50 })
  await expect(OpenFeature.setProviderAndWait('late', provider)).rejects.toMatchObject({
    code: 'PROVIDER_NOT_READY',
  })
  const client = OpenFeature.getClient('late')
  expect(client.providerStatus).toBe('ERROR')
  silent.open(source().edge)
  await until(
    async () => client.providerStatus,
    (status) => status === 'READY',
  )
  await expect(client.getStringValue('string-flag', 'bye')).resolves.toBe('hi')
  await OpenFeature.clearProviders()
  const countOpen = async () => silent.sockets.size
  await until(countOpen, (count) => count === 0, 60_000)
})

test('a web provider that began without its edge becomes ready when that is there', async () => {
  const silent = await startSilentEdge()
  onTestFinished(() => silent.close())
  onTestFinished(() => OpenFeatureWeb.clearProviders())
  const options = { edge: silent.origin, key: source().clientKey, storage: null }
  const provider = new HalyardWebProvider(options, { timeoutMs: 50 })
  await expect(OpenFeatureWeb.setProviderAndWait('late', provider)).rejects.toMatchObject({
    code: 'PROVIDER_NOT_READY',
  })
  const client = OpenFeatureWeb.getClient('late')
  expect(client.providerStatus).toBe('ERROR')
  silent.open(source().edge)
  await until(
    async () => client.providerStatus,
    (status) => status === 'READY',
  )
  expect(client.getStringValue('string-flag', 'bye')).toBe('hi')
})

test('the web SDK reconciles a change of context before it says READY, and then gives the answers of that', async () => {
  onTestFinished(() => OpenFeatureWeb.clearProviders())
  const { edge, clientKey: key } = source()
  const provider = new HalyardWebProvider({ edge, key, storage: null })
  await OpenFeatureWeb.setProviderAndWait('shop', provider, { targetingKey: 'anna', customer: true })
  const client = OpenFeatureWeb.getClient('shop')
  const heard: string[] = []
  for (const event of ['PROVIDER_RECONCILING', 'PROVIDER_CONTEXT_CHANGED', 'PROVIDER_ERROR'])
    client.addHandler(event as never, () => heard.push(event)) // its enum is these texts
  expect(client.getStringValue('context-aware', 'none')).toBe('EXTERNAL')
  const changed = OpenFeatureWeb.setContext('shop', { targetingKey: 'ben', customer: false })
  expect(client.providerStatus).toBe('RECONCILING')
  expect(client.getStringValue('context-aware', 'none'), "another user's values are never shown").toBe('none')
  await changed
  expect(client.providerStatus).toBe('READY')
  expect(client.getStringValue('context-aware', 'none')).toBe('INTERNAL')
  expect(heard).toEqual(['PROVIDER_RECONCILING', 'PROVIDER_CONTEXT_CHANGED'])
})

browserTest('in a browser the web provider tells of a flag that was changed at the edge', async () => {
  const entryPoints = ['test/openfeature-page.ts']
  const { outputFiles } = await build({ entryPoints, bundle: true, format: 'iife', write: false })
  const { tab } = await browser.openTab()
  await tab.addScriptTag({ content: outputFiles[0]?.text ?? '' })
  const { edge, clientKey } = source()
  const read = () => tab.evaluate<boolean>('readFlag()')
  await tab.evaluate(`startFlags(${JSON.stringify({ edge, key: clientKey })})`)
  const before = await read()
  await changeFlag(running.stack)
  await until(
    () => tab.evaluate<readonly string[][]>('changes'),
    (changes) => changes.flat().includes('changing-flag'),
  )
  expect(await read()).toBe(!before)
})
