/** A change from the command line, as a React page and a server see it while parts of the system come and go. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { createClient, fileStore } from '../sdk/server/index.ts'
import type { AppPage } from './browser-app/app-page.ts'
import { browserTest, useBrowser } from './browser-kit.ts'
import { runCli, until, useStack } from './stack-kit.ts'

const held = useStack()
const { openTab } = useBrowser('test/browser-app/main.tsx')
const user = { targetingKey: 'user-1', country: 'AT' }

/** What the page puts into its global scope. */
declare const app: AppPage

async function openServer(folder: string) {
  const { urls, seed } = held.stack
  const { serverKey: key } = seed.environments.production
  const client = createClient({ edge: urls.edge, key, store: fileStore(join(folder, 'flags.json')) })
  onTestFinished(client.close)
  expect(await client.ready({ timeoutMs: 30_000 })).toBe(true)
  return client
}

async function openPage() {
  const { urls, seed } = held.stack
  const { tab } = await openTab()
  const options = { edge: urls.edge, key: seed.environments.production.clientKey, context: user }
  await tab.evaluate((given) => app.mount(given, {}), options)
  return { text: () => tab.locator('#checkout').textContent() }
}

browserTest(
  'what the CLI toggles shows in a page and a server, and stays when all of Halyard is gone',
  async () => {
    const { stack } = held
    const folder = mkdtempSync(join(tmpdir(), 'halyard-together-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const [server, page] = [await openServer(folder), await openPage()]
    const shows = async (isOn: boolean) => {
      await until(
        async () => server.boolean('new-checkout', !isOn, user),
        (value) => value === isOn,
      )
      await until(page.text, (text) => text === (isOn ? 'new' : 'old'))
    }
    const toggle = (state: 'on' | 'off') =>
      runCli(stack, ['flags', 'toggle', 'new-checkout', `--${state}`, '--yes'])

    await shows(true)
    await toggle('off')
    await shows(false)

    await stack.workers.edge.kill9()
    await toggle('on')
    expect([server.boolean('new-checkout', true, user), await page.text()]).toEqual([false, 'old'])
    await stack.workers.edge.start()
    await shows(true)

    await Promise.all(Object.values(stack.workers).map((worker) => worker.kill9()))
    expect([server.boolean('new-checkout', false, user), await page.text()]).toEqual([true, 'new'])
    await server.close()
    const next = await openServer(folder)
    expect(next.status()).toMatchObject({ state: 'offline', origin: 'store' })
    expect(next.boolean('new-checkout', false, user)).toBe(true)
  },
)
