import { expect } from 'vitest'
import { browserTest, useBrowser } from './browser-kit.ts'
import type { Page } from './browser-page.ts'
import { callApi, importFlagd, project, useStack } from './stack-kit.ts'

const system = useStack()
const { openTab } = useBrowser()
const file = 'cli/importers/otel-demo.flagd.json'
const context = { targetingKey: 'user-1' }

/** What the page puts into its global scope. */
declare const page: Page

const start = () => ({
  baseUrl: system.stack.urls.edge,
  key: system.stack.seed.environments.production.clientKey,
  context,
  pollInterval: 250,
})

browserTest(
  'a browser page reads the imported flags with the published web provider and a client key',
  async () => {
    const { stack } = system
    await importFlagd(stack, file)
    const { tab, errors } = await openTab()
    await tab.evaluate((options) => page.start(options), start())
    await expect
      .poll(() => tab.evaluate(() => page.read('loadGeneratorVUs', -1)), { timeout: 20_000 })
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
  const { tab } = await openTab()
  await tab.evaluate((options) => page.start(options), start())
  const seen = new Set<unknown>()
  // A quarter gets it, by a seed of this run: that none of so many does happens once in a million.
  for (let user = 1; user <= 48; user++) {
    await tab.evaluate((targetingKey) => page.move({ targetingKey }), `user-${user}`)
    seen.add((await tab.evaluate(() => page.read('free-shipping', false))).value)
  }
  expect(seen).toEqual(new Set([true, false]))
})
