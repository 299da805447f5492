import { OpenFeature } from '@openfeature/web-sdk'
import { afterEach, expect, test } from 'vitest'
import { answerOf, edge, key, openPage, questionsOf, settle } from '../web/test-kit.ts'
import { HalyardWebProvider } from './provider.ts'

const anna = { targetingKey: 'anna' }

afterEach(async () => {
  await OpenFeature.clearProviders()
  await OpenFeature.clearContexts()
})

/** A provider over a client of its own page, which has the flags of anna. */
async function openReady() {
  const page = openPage({ context: anna })
  page.asked[0]?.answer(answerOf({ name: 'of anna' }))
  await settle()
  const client = OpenFeature.getClient('shop')
  await OpenFeature.setProviderAndWait('shop', new HalyardWebProvider(page.client), anna)
  await settle()
  const heard: string[] = []
  for (const event of [
    'PROVIDER_READY',
    'PROVIDER_STALE',
    'PROVIDER_ERROR',
    'PROVIDER_CONFIGURATION_CHANGED',
    'PROVIDER_RECONCILING',
    'PROVIDER_CONTEXT_CHANGED',
  ])
    client.addHandler(event as never, () => heard.push(event)) // its enum is these texts
  await settle()
  heard.length = 0
  return { ...page, flags: client, heard }
}

test('a context that is none is an error, with the values of nobody', async () => {
  const { flags } = await openReady()
  expect(flags.getStringValue('name', 'default')).toBe('of anna')
  const circle: Record<string, unknown> = { targetingKey: 'ben' }
  circle['self'] = circle
  await OpenFeature.setContext('shop', circle as never)
  expect([flags.getStringValue('name', 'default'), flags.providerStatus]).toEqual(['default', 'ERROR'])
})

test('while a context is reconciled the SDK alone tells of it', async () => {
  const { asked, flags, heard } = await openReady()
  const moved = OpenFeature.setContext('shop', { targetingKey: 'ben' })
  await settle()
  questionsOf(asked)
    .at(-1)
    ?.answer(answerOf({ name: 'of ben' }))
  await moved
  await settle()
  expect(heard).toEqual(['PROVIDER_RECONCILING', 'PROVIDER_CONTEXT_CHANGED'])
  expect(flags.getStringValue('name', 'default')).toBe('of ben')
})

test('two changes of context at once end with the answers of the last, and no error', async () => {
  const { asked, flags, heard } = await openReady()
  const moves = ['ben', 'cleo'].map((targetingKey) => OpenFeature.setContext('shop', { targetingKey }))
  await settle()
  questionsOf(asked)
    .at(-1)
    ?.answer(answerOf({ name: 'of cleo' }))
  await Promise.all(moves)
  expect([flags.getStringValue('name', 'default'), flags.providerStatus]).toEqual(['of cleo', 'READY'])
  expect(heard).not.toContain('PROVIDER_ERROR')
})

test('wrong options stay fatal, whatever the context becomes', async () => {
  const provider = new HalyardWebProvider({ edge: 'nowhere', key })
  await expect(OpenFeature.setProviderAndWait('shop', provider)).rejects.toThrow(/edge is nowhere/)
  const fatal = { name: 'ProviderFatalError', message: expect.stringContaining('edge is nowhere') }
  await expect(provider.onContextChange({}, anna)).rejects.toMatchObject(fatal)
  await OpenFeature.setContext('shop', anna)
  expect(OpenFeature.getClient('shop').providerStatus).not.toBe('READY')
})

test('a key that was refused stays fatal, whatever the context becomes', async () => {
  const { asked, client } = openPage()
  asked[0]?.answer(Response.json({ errorCode: 'KEY_INVALID', errorDetails: 'revoked' }, { status: 401 }))
  await settle()
  const provider = new HalyardWebProvider(client)
  await expect(provider.initialize(anna)).rejects.toMatchObject({ name: 'ProviderFatalError' })
  await expect(provider.onContextChange(anna, {})).rejects.toMatchObject({ name: 'ProviderFatalError' })
})

test('a given client is waited for as long as `timeoutMs` says', async () => {
  const { client, pass } = openPage({ edge })
  const isOver = new HalyardWebProvider(client, { timeoutMs: 50 }).initialize(anna)
  const ended = expect(isOver).rejects.toMatchObject({ name: 'ProviderNotReadyError' })
  await pass(50)
  await ended
})
