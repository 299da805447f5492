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

/**
 * Starts a browser and a site before all tests of a file; `openTab` gives a page with a script on it, and with the HTML
 * that a server would have rendered.
 */
export function useBrowser(script = 'test/browser-page.ts'): {
  readonly openTab: (body?: string) => Promise<OpenedTab>
} {
  const bodies: string[] = []
  const held: { browser?: Browser; site?: Server } = {}
  beforeAll(async () => {
    if (isMissing && !process.env['CI']) return
    held.site = await servePage(script, bodies)
    held.browser = await launchChromium()
  })
  afterAll(async () => {
    await held.browser?.close()
    held.site?.close()
  })
  return {
    openTab: async (body = '') => {
      if (!held.browser || !held.site) throw new Error('the browser starts before the tests')
      const { port } = held.site.address() as AddressInfo // it listens on a port
      // Each tab is a visitor of its own: nothing is left in its storage by the one before.
      const tab = await (await held.browser.newContext()).newPage()
      const errors: string[] = []
      tab.on('pageerror', (error) => errors.push(error.message))
      tab.on('console', (message) => {
        if (message.type() === 'error') errors.push(message.text())
      })
      await tab.goto(`http://127.0.0.1:${port}/${bodies.push(body) - 1}`)
      return { tab, errors }
    },
  }
}

/** Each path is the number of a body. */
async function servePage(script: string, bodies: readonly string[]): Promise<Server> {
  const bundle = await build({
    entryPoints: [script],
    bundle: true,
    format: 'iife',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"development"' },
    write: false,
  })
  const code = bundle.outputFiles[0]?.text.replaceAll('</', '<\\/') ?? ''
  const head = '<!doctype html><title>shop</title><link rel="icon" href="data:,">'
  const server = createServer(({ url = '/' }, response) => {
    const body = bodies[Number(url.slice(1))] ?? ''
    response.setHeader('content-type', 'text/html').end(`${head}<body>${body}<script>${code}</script>`)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
