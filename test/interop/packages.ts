/** The examples that install the SDK, from its archive. */
import { mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findFreePort } from '../../dev/ports.ts'
import { findTool, projectRoot } from '../../dev/run-tool.ts'
import { isMissing, launchChromium } from '../chromium.ts'
import { copyExample, type InteropCase, type Seen, type Surroundings, type Visitors } from './interop-case.ts'
import { runProgram, startProgram } from './run-program.ts'

type Command = (around: Surroundings) => Promise<readonly [string, ...string[]]>

export const packages: readonly InteropCase[] = [
  nodeServer('node-server', async () => [process.execPath, 'server.ts']),
  nodeServer('node-server on Bun', async ({ runtimes }) => [join(await runtimes(), 'bun'), 'server.ts']),
  nodeServer('node-server on Deno', async ({ runtimes }) => [
    join(await runtimes(), 'deno'),
    'run',
    '--allow-net',
    '--allow-env',
    'server.ts',
  ]),
  {
    name: 'worker',
    needs: [],
    start: async (around, stack) => {
      const cwd = await install('worker', around, [])
      const port = await findFreePort()
      const variables = { HALYARD_EDGE: around.edge, HALYARD_KEY: around.serverKey }
      startProgram(
        {
          command: process.execPath,
          args: [
            findTool('wrangler', 'wrangler'),
            'dev',
            '--port',
            String(port),
            '--inspector-port',
            String(await findFreePort()),
            ...Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
          ],
          cwd,
          env: { WRANGLER_SEND_METRICS: 'false' },
        },
        stack,
      )
      return askAt(port)
    },
  },
  {
    name: 'react-page',
    needs: isMissing ? ['chromium'] : [],
    start: async (around, stack) => {
      const cwd = await install('react-page', around, ['esbuild', 'react', 'react-dom'])
      const port = await findFreePort()
      const env = { HALYARD_EDGE: around.edge, HALYARD_CLIENT_KEY: around.clientKey, PORT: String(port) }
      const { lines } = startProgram({ command: process.execPath, args: ['serve.js'], cwd, env }, stack)
      const browser = await launchChromium()
      stack.defer(async () => await browser.close())
      await waitFor(() => lines().length > 0)
      const open = async (query: string) => {
        const tab = await (await browser.newContext()).newPage()
        await tab.goto(`http://127.0.0.1:${port}/?${query}`)
        return async () => readText(await tab.locator('body').innerText())
      }
      const [user, anna] = [await open('user=user-123'), await open('user=anna&country=DE')]
      return async (): Promise<Visitors> => ({ 'user-123': await user(), anna: await anna() })
    },
  },
]

function nodeServer(name: string, command: Command): InteropCase {
  return {
    name,
    needs: [],
    start: async (around, stack) => {
      const cwd = await install('node-server', around, [])
      const port = await findFreePort()
      const [program, ...args] = await command(around)
      const env = { HALYARD_EDGE: around.edge, HALYARD_KEY: around.serverKey, PORT: String(port) }
      startProgram({ command: program, args, cwd, env }, stack)
      return askAt(port)
    },
  }
}

/** Installs the SDK as users do; what else the example names is linked from the workspace. */
async function install(
  name: string,
  { folder, packed }: Surroundings,
  companions: readonly string[],
): Promise<string> {
  const cwd = copyExample(name, folder)
  for (const companion of companions) {
    const link = join(cwd, 'node_modules', companion)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(projectRoot, 'node_modules', companion), link)
  }
  const into = join(cwd, 'node_modules', '@halyard', 'sdk')
  mkdirSync(into, { recursive: true })
  const { sdk } = await packed()
  await runProgram({ command: 'tar', args: ['-xzf', sdk, '-C', into, '--strip-components=1'], cwd })
  return cwd
}

function askAt(port: number) {
  const ask = async (query: string): Promise<Seen> =>
    JSON.parse(await (await fetch(`http://127.0.0.1:${port}/?${query}`)).text())
  return async (): Promise<Visitors> => ({
    'user-123': await ask('user=user-123'),
    anna: await ask('user=anna&country=DE'),
  })
}

function readText(text: string): Seen {
  const theme = /Theme: (\w+)/.exec(text)?.[1]
  if (theme === undefined) throw new Error(`the page shows no theme: ${text}`)
  return { newCheckout: text.includes('The new checkout'), theme }
}

async function waitFor(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 50)) // oxlint-disable-line no-await-in-loop -- looks again
}
