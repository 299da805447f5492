import type { Page as Tab } from 'playwright-core'
import { expect } from 'vitest'
import type { AppPage, Bootstrap, Context, Flag, StartOptions } from './browser-app/app-page.ts'
import { browserTest, useBrowser } from './browser-kit.ts'
import { callApi, project, until, useStack } from './stack-kit.ts'

const system = useStack()
const { openTab } = useBrowser('test/browser-app/main.tsx')
const patience = { timeout: 60_000, interval: 50 }
const context = { targetingKey: 'user-1', country: 'AT' }

/** What the page puts into its global scope. */
declare const app: AppPage

const optionsFor = (given: Context): StartOptions => ({
  edge: system.stack.urls.edge,
  key: system.stack.seed.environments.production.clientKey,
  context: given,
})

const textOf = (tab: Tab, id: string) => tab.locator(`#${id}`).textContent()

async function toggle(enabled: boolean): Promise<void> {
  const path = `${project}/environments/production/flags/new-checkout/toggle`
  await callApi(system.stack, 'POST', path, { enabled })
}

/** As the edge answers. */
interface Bulk {
  readonly flags: readonly (Flag & { readonly key: string })[]
}

async function bootstrapFor(given: Context): Promise<Bootstrap> {
  const { edge, key } = optionsFor(given)
  const headers = { authorization: `Bearer ${key}` }
  const body = JSON.stringify({ context: given })
  const response = await fetch(`${edge}/v1/evaluate`, { method: 'POST', headers, body })
  const answer = (await response.json()) as Bulk
  const flags: Record<string, Flag> = {}
  for (const { key: name, value, variant, reason } of answer.flags) flags[name] = { value, variant, reason }
  return { version: response.headers.get('Halyard-Version'), targetingKey: given['targetingKey'], flags }
}

/** As a server renders it; its modules know JSX, which those of the tests do not. */
async function renderShop(options: StartOptions): Promise<string> {
  const path = './browser-app/server.tsx'
  const server = (await import(path)) as { renderShop: (given: StartOptions) => string } // that is what it exports
  return server.renderShop(options)
}

browserTest('a page follows a toggle, and renders only the component whose value changed', async () => {
  const { tab, errors } = await openTab()
  await tab.evaluate((options) => app.mount(options, {}), optionsFor(context))
  await expect.poll(() => textOf(tab, 'checkout'), patience).toBe('new')
  await expect.poll(() => textOf(tab, 'status'), patience).toBe('live')
  const before = await tab.evaluate(() => ({ ...app.renders() }))
  await toggle(false)
  await expect.poll(() => textOf(tab, 'checkout'), patience).toBe('old')
  const after = await tab.evaluate(() => app.renders())
  expect(after).toEqual({ ...before, checkout: (before['checkout'] ?? 0) + 1 })
  expect(errors).toEqual([])
  await toggle(true)
})

browserTest('a page that a server rendered is taken over without a warning or a flicker', async () => {
  const bootstrap = await until(
    () => bootstrapFor(context),
    ({ flags }) => flags['new-checkout']?.value === true,
  )
  const options = { ...optionsFor(context), bootstrap }
  const html = await renderShop(options)
  expect(html).toContain('<p id="checkout">new</p>')
  const { tab, errors } = await openTab(html)
  await tab.evaluate((given) => app.hydrate(given), options)
  await expect.poll(() => textOf(tab, 'status'), patience).toBe('live')
  expect(await tab.evaluate(() => app.seen())).toEqual({ checkout: ['new'], theme: ['compact compact'] })
  expect(errors).toEqual([])
  await toggle(false)
  await expect.poll(() => textOf(tab, 'checkout'), patience).toBe('old')
  await toggle(true)
})

browserTest(
  'a page that was rendered without values shows defaults until it has them, also with a stored copy',
  async () => {
    const html = await renderShop(optionsFor(context))
    expect(html).toContain('<p id="checkout">old</p>')
    const { tab, errors } = await openTab(html)
    const hydrate = () => tab.evaluate((options) => app.hydrate(options), optionsFor(context))
    await hydrate()
    await expect.poll(() => textOf(tab, 'checkout'), patience).toBe('new')
    await tab.reload()
    await hydrate()
    await expect.poll(() => textOf(tab, 'checkout'), patience).toBe('new')
    expect(errors).toEqual([])
  },
)

browserTest('with a fallback it is shown until there are flags, and no default ever is', async () => {
  const { tab, errors } = await openTab()
  const { promise: isAllowed, resolve: go } = Promise.withResolvers<void>()
  await tab.route('**/ofrep/v1/evaluate/flags', async (route) => {
    await isAllowed
    await route.continue()
  })
  await tab.evaluate((options) => app.mount(options, { suspends: true, isStrict: true }), optionsFor(context))
  expect(await textOf(tab, 'waiting')).toBe('one moment')
  go()
  await expect.poll(() => textOf(tab, 'checkout'), patience).toBe('new')
  expect((await tab.evaluate(() => app.rendered())).length).toBeGreaterThan(0)
  expect(await tab.locator('#waiting').count()).toBe(0)
  expect(errors).toEqual([])
})

browserTest(
  'with a fallback it is shown for each user who has no flags yet, with a bootstrap too',
  async () => {
    for (const bootstrap of [undefined, await bootstrapFor(context)]) {
      const { tab, errors } = await openTab()
      const options = { ...optionsFor(context), ...(bootstrap && { bootstrap }) }
      await tab.evaluate((given) => app.mount(given, { suspends: true }), options)
      await expect.poll(() => textOf(tab, 'status'), patience).toBe('live')
      const { promise: isAllowed, resolve: go } = Promise.withResolvers<void>()
      await tab.route('**/ofrep/v1/evaluate/flags', async (route) => {
        await isAllowed
        await route.continue()
      })
      await tab.evaluate((given) => app.renderFor(given), { targetingKey: 'user-2', country: 'AT' })
      await expect.poll(() => tab.locator('#waiting').count(), patience).toBe(1)
      go()
      await expect.poll(() => tab.locator('#waiting').count(), patience).toBe(0)
      expect(await textOf(tab, 'checkout')).toBe('new')
      expect(errors).toEqual([])
    }
  },
)

browserTest('nothing is rendered for a user with the values of the one before', async () => {
  const asked = Array.from({ length: 60 }, (_, i) => `user-${i}`)
  const values = await Promise.all(
    asked.map(async (targetingKey) => (await bootstrapFor({ targetingKey })).flags['free-shipping']?.value),
  )
  const isFree = new Map(asked.map((user, i) => [user, values[i] === true]))
  const [has, hasNot] = [true, false].map((wanted) => asked.filter((user) => isFree.get(user) === wanted))
  const users = [0, 1, 2].flatMap((i) => [has?.[i] ?? '', hasNot?.[i] ?? ''])
  const { tab } = await openTab()
  await tab.evaluate((options) => app.mount(options, {}), optionsFor({ targetingKey: 'nobody' }))
  for (const targetingKey of users) {
    await tab.evaluate((given) => app.renderFor(given), { targetingKey })
    await expect
      .poll(() => textOf(tab, 'shipping'), patience)
      .toBe(isFree.get(targetingKey) ? 'free' : 'paid')
  }
  // A default is false: what is true was given, and must be that user's own.
  const given = (await tab.evaluate(() => app.rendered())).filter(
    ([user, value]) => user !== 'nobody' && value,
  )
  expect(new Set(given.map(([user]) => user))).toEqual(new Set(has?.slice(0, 3)))
})

browserTest('in strict mode there is one stream, and none is left when the page is unmounted', async () => {
  const { tab, errors } = await openTab()
  const streams: string[] = []
  tab.on('request', (request) => request.url().includes('/v1/stream') && streams.push('opened'))
  const over = (request: { url(): string }) => request.url().includes('/v1/stream') && streams.push('over')
  tab.on('requestfailed', over)
  tab.on('requestfinished', over)
  await tab.evaluate((options) => app.mount(options, { isStrict: true }), optionsFor(context))
  await expect.poll(() => textOf(tab, 'status'), patience).toBe('live')
  expect(streams).toEqual(['opened'])
  await tab.evaluate(() => app.unmount())
  await expect.poll(() => streams, patience).toEqual(['opened', 'over'])
  expect(errors).toEqual([])
})
