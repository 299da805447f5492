import type { Page as Tab } from 'playwright-core'
import { expect } from 'vitest'
import { browserTest, useBrowser } from './browser-kit.ts'
import type { Page } from './browser-page.ts'
import { callApi, project, useStack } from './stack-kit.ts'

const system = useStack()
const { openTab } = useBrowser()
const flag = 'new-checkout'
const patience = { timeout: 60_000, interval: 50 }

/** What the page puts into its global scope. */
declare const page: Page

/** A page that asks for flags once, and then only when its stream tells it to. */
async function startPage(): Promise<Tab> {
  const { tab } = await openTab()
  await tab.evaluate((options) => page.start(options), {
    baseUrl: system.stack.urls.edge,
    key: system.stack.seed.environments.production.clientKey,
    context: { targetingKey: 'user-1' },
    pollInterval: 0,
  })
  return tab
}

async function toggle(enabled: boolean): Promise<void> {
  await callApi(system.stack, 'POST', `${project}/environments/production/flags/${flag}/toggle`, { enabled })
}

async function expectReason(tab: Tab, isEnabled: boolean): Promise<void> {
  const isDisabled = () => tab.evaluate((key) => page.read(key, true).reason === 'DISABLED', flag)
  await expect.poll(isDisabled, patience).toBe(!isEnabled)
}

/** Whether the page follows both ways: one could be what it held anyway. */
async function expectFollowing(tab: Tab): Promise<void> {
  for (const enabled of [false, true]) {
    await toggle(enabled)
    await expectReason(tab, enabled)
  }
}

browserTest('the published web provider follows a toggle through the event stream', async () => {
  const tab = await startPage()
  await expectFollowing(tab)
  expect((await tab.evaluate(() => page.changes())).flat()).toContain(flag)
})

browserTest('it goes on following after a change of context', async () => {
  const tab = await startPage()
  for (const targetingKey of ['user-2', 'user-3']) {
    await tab.evaluate((key) => page.move({ targetingKey: key }), targetingKey)
    await expectFollowing(tab)
  }
})

browserTest('it goes on following after its stream was dropped, and hears of what it missed', async () => {
  const tab = await startPage()
  await expectFollowing(tab)
  await system.stack.workers.hub.kill9()
  await toggle(false)
  await system.stack.workers.hub.start()
  await expectReason(tab, false)
  await expectFollowing(tab)
})

browserTest('it goes on following after the edge was killed and started again', async () => {
  const tab = await startPage()
  await expectFollowing(tab)
  await system.stack.workers.edge.kill9()
  await toggle(false)
  await system.stack.workers.edge.start()
  await expectReason(tab, false)
  await expectFollowing(tab)
})

browserTest('a page without a provider hears changes by EventSource, and again after a break', async () => {
  const { tab } = await openTab()
  const { edge } = system.stack.urls
  const { clientKey } = system.stack.seed.environments.production
  const credential = await tab.evaluate(([url, key]) => page.credential(url, key), [edge, clientKey] as const)
  await tab.evaluate((url) => page.hearEvents(url), `${edge}/v1/stream?token=${credential}`)
  const eventsOf = async (kind: string) =>
    (await tab.evaluate(() => page.heard())).filter(({ event }) => event === kind)
  await expect.poll(async () => (await eventsOf('hello')).length, patience).toBe(1)
  await toggle(false)
  await expect.poll(async () => (await eventsOf('changed')).length, patience).toBe(1)
  const [changed] = await eventsOf('changed')
  expect(JSON.parse(changed?.data ?? '')).toEqual({ kind: 'changed', version: changed?.id })
  await system.stack.workers.edge.kill9()
  await toggle(true)
  await system.stack.workers.edge.start()
  await expect.poll(async () => (await eventsOf('changed')).length, patience).toBe(2)
})

browserTest('a page opens a WebSocket with the credential as its second subprotocol', async () => {
  const { tab } = await openTab()
  const { edge } = system.stack.urls
  const { clientKey } = system.stack.seed.environments.production
  const credential = await tab.evaluate(([url, key]) => page.credential(url, key), [edge, clientKey] as const)
  await tab.evaluate(([url, token]) => page.hearSocket(url, token), [
    `${edge.replace('http', 'ws')}/v1/stream`,
    credential,
  ] as const)
  const kinds = async () => (await tab.evaluate(() => page.heard())).map(({ event }) => event)
  await expect.poll(kinds, patience).toEqual(['open', 'hello'])
  expect((await tab.evaluate(() => page.heard()))[0]?.data).toBe('halyard.v1')
  await toggle(false)
  await expect.poll(kinds, patience).toEqual(['open', 'hello', 'changed'])
})
