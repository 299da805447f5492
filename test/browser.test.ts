import { build } from 'esbuild'
import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { chromium, type Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { callApi, project, runCli, useStack } from './stack-kit.ts'

const system = useStack()
const file = 'cli/importers/otel-demo.flagd.json'
let browser: Browser
let site: Server

beforeAll(async () => {
  site = await servePage()
  browser = await launchChromium()
})

afterAll(async () => {
  await browser?.close()
  site?.close()
})

/** A page as a user of the published web provider writes it; the test asks it for values. */
const script = `
import { OpenFeature } from '@openfeature/web-sdk'
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider'

window.start = async ({ baseUrl, key, context }) => {
  const headers = [['Authorization', 'Bearer ' + key]]
  await OpenFeature.setContext(context)
  await OpenFeature.setProviderAndWait(new OFREPWebProvider({ baseUrl, headers, pollInterval: 250 }))
}
window.read = (key, fallback) => {
  const client = OpenFeature.getClient()
  const details = typeof fallback === 'number' ? client.getNumberDetails(key, fallback) : client.getBooleanDetails(key, fallback)
  return { value: details.value, variant: details.variant, reason: details.reason, errorCode: details.errorCode }
}
window.move = (context) => OpenFeature.setContext(context)`

interface Details {
  readonly value: unknown
  readonly variant?: string
  readonly reason?: string
  readonly errorCode?: string
}

/** What the script above puts into the page's global scope. */
declare const window: {
  start(options: { baseUrl: string; key: string; context: object }): Promise<void>
  read(key: string, fallback: number | boolean): Details
  move(context: object): Promise<void>
}

test('a browser page reads the imported flags with the published web provider and a client key', async () => {
  const { stack } = system
  await runCli(stack, ['import', 'flagd', file, '--apply'])
  const { page, errors } = await openPage()
  const { clientKey } = stack.seed.environments.production
  await page.evaluate((options) => window.start(options), {
    baseUrl: stack.urls.edge,
    key: clientKey,
    context: { targetingKey: 'user-1' },
  })
  await expect
    .poll(() => page.evaluate(() => window.read('loadGeneratorVUs', -1)))
    .toMatchObject({ value: 5, variant: '5' })
  expect(await page.evaluate(() => window.read('imageSlowLoad', -1))).toMatchObject({
    value: 0,
    variant: 'off',
  })
  expect(await page.evaluate(() => window.read('adFailure', true))).toMatchObject({
    value: false,
    variant: 'off',
  })
  expect(await page.evaluate(() => window.read('search-settings', true)), 'not for clients').toMatchObject({
    value: true,
    errorCode: 'FLAG_NOT_FOUND',
  })
  await callApi(stack, 'POST', `${project}/environments/production/flags/new-checkout/toggle`, {
    enabled: false,
  })
  await expect
    .poll(() => page.evaluate(() => window.read('new-checkout', true)), { timeout: 20_000 })
    .toMatchObject({ value: false, reason: 'DISABLED' })
  expect(errors).toEqual([])
})

test('a change of context gives the values of the new context', async () => {
  const { stack } = system
  const { page } = await openPage()
  const { clientKey } = stack.seed.environments.production
  await page.evaluate((options) => window.start(options), {
    baseUrl: stack.urls.edge,
    key: clientKey,
    context: { targetingKey: 'user-1' },
  })
  const seen = new Set<unknown>()
  for (let user = 1; user <= 12; user++) {
    await page.evaluate((targetingKey) => window.move({ targetingKey }), `user-${user}`)
    seen.add((await page.evaluate(() => window.read('free-shipping', false))).value)
  }
  expect(seen).toEqual(new Set([true, false]))
})

async function openPage() {
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`) // it listens on a port
  return { page, errors }
}

async function servePage(): Promise<Server> {
  const bundle = await build({
    stdin: { contents: script, resolveDir: '.' },
    bundle: true,
    format: 'iife',
    write: false,
  })
  const html = `<!doctype html><title>shop</title><link rel="icon" href="data:,"><script>${bundle.outputFiles[0]?.text.replaceAll('</', '<\\/') ?? ''}</script>`
  const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end(html))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function launchChromium(): Promise<Browser> {
  const paths = [
    process.env['CHROMIUM_PATH'],
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
  ]
  const executablePath = paths.find((path) => path !== undefined && existsSync(path))
  if (executablePath === undefined) {
    throw new Error('no Chromium here: apt-get install chromium, or name one in CHROMIUM_PATH')
  }
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ]
  return await chromium.launch({ executablePath, args })
}
