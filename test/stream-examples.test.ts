import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { browserTest, useBrowser } from './browser-kit.ts'
import { callApi, project, until, useStack } from './stack-kit.ts'

const system = useStack()
const { openTab } = useBrowser()
const examples = readFileSync('docs/streams.md', 'utf8').matchAll(/```js\n(.*?)```/gs)

/** The example that does this, as it stands in the documentation, with this stack's address and key. */
const codeWith = (() => {
  const codes = [...examples].map(([, code = '']) => code)
  return (mark: string) => {
    const code = codes.find((text) => text.includes(mark)) ?? ''
    expect(code).toContain('http://localhost:8788')
    return code
      .replace('http://localhost:8788', system.stack.urls.edge)
      .replace('hyd_cli_...', system.stack.seed.environments.production.clientKey)
  }
})()

async function toggle(enabled: boolean): Promise<string> {
  const path = `${project}/environments/production/flags/new-checkout/toggle`
  const body = { enabled }
  const { versions } = await callApi<{ versions: Record<string, string> }>(system.stack, 'POST', path, body)
  return versions['production'] ?? ''
}

/** Its lines grow: with a change, and with one that was made while the edge was dead. */
async function expectFollowing(lines: readonly string[]): Promise<void> {
  const hasLine = async (line: string) =>
    await until(
      async () => lines.some((text) => text.startsWith(line)),
      (isThere) => isThere,
      60_000,
    )
  await hasLine('evaluate again:')
  await hasLine(`evaluate again: ${await toggle(false)}`)
  await system.stack.workers.edge.kill9()
  const version = await toggle(true)
  await system.stack.workers.edge.start()
  await hasLine(`evaluate again: ${version}`)
}

test('the documented example of a WebSocket hears a change, and what it missed while the edge was dead', async () => {
  const args = ['--input-type=module', '--eval', codeWith('new WebSocket(')]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  child.stdout.on('data', (data) => lines.push(...String(data).trim().split('\n')))
  await expectFollowing(lines)
})

browserTest(
  'the documented example of an EventSource hears a change, and what it missed while the edge was dead',
  async () => {
    const { tab } = await openTab()
    const lines: string[] = []
    tab.on('console', (message) => lines.push(message.text()))
    await tab.addScriptTag({ content: codeWith('new EventSource('), type: 'module' })
    await expectFollowing(lines)
  },
)
