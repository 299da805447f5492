import type { FlagUsage } from '@halyard/shared/contract/usage-endpoints.ts'
import type { Page as Tab } from 'playwright-core'
import { expect } from 'vitest'
import { startFaultyProxy, type Fault } from '../sdk/server/faulty-proxy.test-kit.ts'
import type { AppPage, Context, StartOptions } from './browser-app/app-page.ts'
import { browserTest, useBrowser } from './browser-kit.ts'
import { callApi, project, until, useStack } from './stack-kit.ts'

const system = useStack()
const { openTab } = useBrowser('test/browser-app/main.tsx')
const flag = 'new-checkout'
const patience = { timeout: 60_000, interval: 50 }

/** What the page puts into its global scope. */
declare const app: AppPage

const optionsFor = (context: Context): StartOptions => ({
  edge: system.stack.urls.edge,
  key: system.stack.seed.environments.production.clientKey,
  context,
})

const open = (tab: Tab, options: StartOptions) =>
  tab.evaluate(([given, name]) => app.open(given, name), [options, flag] as const)
const stateOf = (tab: Tab) => tab.evaluate(() => app.status().state)
const valueOf = (tab: Tab, name = flag) => tab.evaluate((key) => app.read(key).value, name)

async function toggle(enabled: boolean): Promise<void> {
  await callApi(system.stack, 'POST', `${project}/environments/production/flags/${flag}/toggle`, { enabled })
}

const usage = () =>
  callApi<FlagUsage>(system.stack, 'GET', `${project}/environments/production/flags/checkout-theme/usage`)

/** Whether the page follows both ways: one could be what it held anyway. */
async function expectFollowing(tab: Tab): Promise<void> {
  for (const enabled of [false, true]) {
    await toggle(enabled)
    await expect.poll(() => valueOf(tab), patience).toBe(enabled)
  }
}

/** Two users of whom one has the flag and the other has not. */
async function findUsers(): Promise<readonly [has: string, hasNot: string]> {
  const { edge, key } = optionsFor({})
  const asked = Array.from({ length: 40 }, async (_, i) => {
    const response = await fetch(`${edge}/ofrep/v1/evaluate/flags/free-shipping`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: JSON.stringify({ context: { targetingKey: `user-${i}` } }),
    })
    return ((await response.json()) as { value: boolean }).value // what the edge answers
  })
  const values = await Promise.all(asked)
  return [`user-${values.indexOf(true)}`, `user-${values.indexOf(false)}`]
}

browserTest(
  'a page follows toggles by its stream, and goes on when the edge was killed in between',
  async () => {
    const { tab, errors } = await openTab()
    await open(tab, optionsFor({ targetingKey: 'user-1' }))
    await expect.poll(() => stateOf(tab), patience).toBe('live')
    await expectFollowing(tab)
    expect((await tab.evaluate(() => app.changes())).flatMap(({ flags }) => flags)).toContain(flag)
    expect(errors).toEqual([])
    await system.stack.workers.edge.kill9()
    await toggle(false)
    await system.stack.workers.edge.start()
    await expect.poll(() => valueOf(tab), patience).toBe(false)
    await expect.poll(() => stateOf(tab), patience).toBe('live')
    await expectFollowing(tab)
  },
)

browserTest('a page that cannot have a stream polls', async () => {
  const { tab } = await openTab()
  await tab.evaluate((options) => app.openWithoutStreams(options), optionsFor({ targetingKey: 'user-1' }))
  await expect.poll(() => stateOf(tab), patience).toBe('polling')
  expect(await valueOf(tab)).toBe(true)
})

browserTest('the first read gives the values of a bootstrap, and those of the edge follow', async () => {
  const { tab } = await openTab()
  const flags = { [flag]: { value: false, variant: 'off', reason: 'STATIC' } } as const
  const first = await open(tab, {
    ...optionsFor({ targetingKey: 'user-1' }),
    bootstrap: { version: null, targetingKey: 'user-1', flags },
  })
  expect(first).toMatchObject({ value: false, variant: 'off' })
  await expect.poll(() => valueOf(tab), patience).toBe(true)
})

browserTest(
  'after a reload without an edge the first read gives the last values, and to another user none',
  async () => {
    const { tab } = await openTab()
    const options = optionsFor({ targetingKey: 'user-1' })
    await open(tab, options)
    await expect.poll(() => valueOf(tab), patience).toBe(true)
    await system.stack.workers.edge.kill9()
    await tab.reload()
    expect(await open(tab, options)).toMatchObject({ value: true, variant: 'on' })
    expect(await tab.evaluate(() => app.status())).toMatchObject({ state: 'offline', origin: 'store' })
    await tab.reload()
    expect(await open(tab, optionsFor({ targetingKey: 'user-2' }))).toMatchObject({
      value: false,
      errorCode: 'PROVIDER_NOT_READY',
    })
    await system.stack.workers.edge.start()
    await expect.poll(() => valueOf(tab), patience).toBe(true)
  },
)

browserTest(
  'another user is never shown the values of the one before, however late answers come',
  async () => {
    const [has, hasNot] = await findUsers()
    const { tab } = await openTab()
    const held: (() => void)[] = []
    await tab.route('**/ofrep/v1/evaluate/flags', async (route) => {
      const { context } = route.request().postDataJSON() as { context: Context } // as it asks
      const response = await route.fetch()
      // The answers for the first user come when the test says so.
      if (context['targetingKey'] === has && held.length > 0) await new Promise<void>((go) => held.push(go))
      else held.push(() => {})
      await route.fulfill({ response }).catch(() => {}) // it was called off
    })
    await open(tab, optionsFor({ targetingKey: has }))
    await expect.poll(() => valueOf(tab, 'free-shipping'), patience).toBe(true)
    const move = (targetingKey: string) =>
      tab.evaluate((context) => app.move(context, 'free-shipping').value, { targetingKey })
    expect(await move(hasNot)).toBe(false)
    await expect.poll(() => tab.evaluate(() => app.status().origin), patience).toBe('poll')
    expect(await move(has), 'kept for this user').toBe(true)
    expect(await move(hasNot), 'kept for that one').toBe(false)
    for (const go of held) go()
    await tab.evaluate((context) => app.moveAndWait(context), { targetingKey: hasNot, now: 'asked' })
    expect(await valueOf(tab, 'free-shipping')).toBe(false)
  },
)

browserTest('what was counted arrives as usage when the page is left', async () => {
  const { tab } = await openTab()
  await open(tab, optionsFor({ targetingKey: 'user-1' }))
  await expect.poll(() => valueOf(tab, 'free-shipping'), patience).toBeTypeOf('boolean')
  await expect.poll(() => stateOf(tab), patience).toBe('live')
  const before = (await usage()).evaluations
  await tab.evaluate(() => {
    for (let i = 0; i < 7; i++) app.read('checkout-theme')
  })
  await tab.goto('about:blank')
  expect((await until(usage, ({ evaluations }) => evaluations > before, 60_000)).evaluations - before).toBe(7)
})

browserTest(
  'whatever stands between page and edge does, the page keeps its values and finds its way back',
  async () => {
    const proxy = await startFaultyProxy(system.stack.urls.edge)
    try {
      const { tab, errors } = await openTab()
      await open(tab, { ...optionsFor({ targetingKey: 'user-1' }), edge: proxy.url })
      await expect.poll(() => stateOf(tab), patience).toBe('live')
      const faults: Fault[] = [{ kind: 'html' }, { kind: 'truncate' }, { kind: 'reset' }, { kind: 'hang' }]
      for (const fault of faults) {
        const asked = proxy.seen.length
        proxy.set(fault)
        await toggle(false)
        await expect.poll(() => proxy.seen.length, patience).toBeGreaterThan(asked)
        expect(await valueOf(tab), fault.kind).toBe(true)
        proxy.set({ kind: 'none' })
        await expect.poll(() => valueOf(tab), patience).toBe(false)
        await toggle(true)
        await expect.poll(() => valueOf(tab), patience).toBe(true)
      }
      expect(
        errors.filter((error) => !error.startsWith('Failed to load') && !error.includes('blocked by CORS')),
      ).toEqual([])
    } finally {
      await proxy.close()
    }
  },
)
