import { build } from 'esbuild'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Page } from './browser-page.ts'
import { isMissing, launchChromium, remedy } from './chromium.ts'
import { callApi, project, runCli, useStack } from './stack-kit.ts'

const system = useStack()
const file = 'cli/importers/otel-demo.flagd.json'
let browser: Browser
let site: Server
/** In CI a missing browser is a failure; on a laptop it is said. */
const browserTest = test.skipIf(isMissing && !process.env['CI'])

beforeAll(async () => {
  site = await servePage()
  browser = await launchChromium()
})

afterAll(async () => {
  await browser?.close()
  site?.close()
})

/** What the page puts into its global scope. */
declare const page: Page

if (isMissing) console.warn(`browser tests need Chromium: ${remedy}`)

browserTest(
  'a browser page reads the imported flags with the published web provider and a client key',
  async () => {
    const { stack } = system
    await runCli(stack, ['import', 'flagd', file, '--apply'])
    const { tab, errors } = await openTab()
    const { clientKey } = stack.seed.environments.production
    await tab.evaluate((options) => page.start(options), {
      baseUrl: stack.urls.edge,
      key: clientKey,
      context: { targetingKey: 'user-1' },
    })
    await expect
      .poll(() => tab.evaluate(() => page.read('loadGeneratorVUs', -1)))
      .toMatchObject({ value: 5, variant: '5' })
    expect(await tab.evaluate(() => page.read('imageSlowLoad', -1))).toMatchObject({
      value: 0,
      variant: 'off',
    })
    expect(await tab.evaluate(() => page.read('adFailure', true))).toMatchObject({
      value: false,
      variant: 'off',
    })
    expect(await tab.evaluate(() => page.read('search-settings', true)), 'not for clients').toMatchObject({
      value: true,
      errorCode: 'FLAG_NOT_FOUND',
    })
    await callApi(stack, 'POST', `${project}/environments/production/flags/new-checkout/toggle`, {
      enabled: false,
    })
    await expect
      .poll(() => tab.evaluate(() => page.read('new-checkout', true)), { timeout: 20_000 })
      .toMatchObject({ value: false, reason: 'DISABLED' })
    expect(errors).toEqual([])
  },
)

browserTest('a change of context gives the values of the new context', async () => {
  const { stack } = system
  const { tab } = await openTab()
  const { clientKey } = stack.seed.environments.production
  await tab.evaluate((options) => page.start(options), {
    baseUrl: stack.urls.edge,
    key: clientKey,
    context: { targetingKey: 'user-1' },
  })
  const seen = new Set<unknown>()
  for (let user = 1; user <= 12; user++) {
    await tab.evaluate((targetingKey) => page.move({ targetingKey }), `user-${user}`)
    seen.add((await tab.evaluate(() => page.read('free-shipping', false))).value)
  }
  expect(seen).toEqual(new Set([true, false]))
})

async function openTab() {
  const tab = await browser.newPage()
  const errors: string[] = []
  tab.on('pageerror', (error) => errors.push(error.message))
  tab.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  await tab.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`) // it listens on a port
  return { tab, errors }
}

async function servePage(): Promise<Server> {
  const bundle = await build({
    entryPoints: ['test/browser-page.ts'],
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
