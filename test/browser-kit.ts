/** For tests in Chromium: a site of another origin than the product, and tabs on it. */
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import type { Browser, Page as Tab } from 'playwright-core'
import { afterAll, beforeAll, test } from 'vitest'
import { isMissing, launchChromium, remedy } from './chromium.ts'

export interface OpenedTab {
  readonly tab: Tab
  /** What the page complained of so far. */
  readonly errors: string[]
}

/** In CI a missing browser is a failure; on a laptop it is said. */
export const browserTest = test.skipIf(isMissing && !process.env['CI'])

if (isMissing) console.warn(`browser tests need Chromium: ${remedy}`)

/** Starts a browser and a site before all tests of a file; `openTab` gives a page that `test/browser-page.ts` is on. */
export function useBrowser(): { readonly openTab: () => Promise<OpenedTab> } {
  const held: { browser?: Browser; site?: Server } = {}
  beforeAll(async () => {
    if (isMissing && !process.env['CI']) return
    held.site = await servePage()
    held.browser = await launchChromium()
  })
  afterAll(async () => {
    await held.browser?.close()
    held.site?.close()
  })
  return {
    openTab: async () => {
      if (!held.browser || !held.site) throw new Error('the browser starts before the tests')
      const { port } = held.site.address() as AddressInfo // it listens on a port
      // Each tab is a visitor of its own: nothing is left in its storage by the one before.
      const tab = await (await held.browser.newContext()).newPage()
      const errors: string[] = []
      tab.on('pageerror', (error) => errors.push(error.message))
      tab.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text())
      })
      await tab.goto(`http://127.0.0.1:${port}/`)
      return { tab, errors }
    },
  }
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
