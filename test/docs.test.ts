/** The code of the documentation and the examples, run from a project as users have it, beside a local stack. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { findFreePort } from '../dev/ports.ts'
import { describeFault } from '@halyard/shared/flag-file/file-fault.ts'
import { readFlagFile, type FileFormat } from '@halyard/shared/flag-file/parse-flag-file.ts'
import { browserTest } from './browser-kit.ts'
import { launchChromium } from './chromium.ts'
import { bundleFor, copySource, servePage } from './examples-kit.ts'
import { findNode, makeFreshProject, type FreshProject } from './fresh-project.ts'
import { readBlocks, type Block } from './read-blocks.ts'
import { packOnce } from './run-once.ts'
import { until, useStack } from './stack-kit.ts'

interface Page {
  readonly path: string
  readonly blocks: readonly Block[]
}

const system = useStack()
let project: FreshProject

const pages: readonly Page[] = [...globSync('docs/sdk/*.md'), 'docs/local.md']
  .filter((path) => existsSync(path))
  .map((path) => ({ path, blocks: readBlocks(path) }))
const blocks = pages.flatMap((page) => page.blocks)
const shownToAnna = JSON.stringify({ newCheckout: true, theme: 'compact' })

beforeAll(async () => {
  project = await makeFreshProject(await packOnce())
  for (const page of pages) writePage(page)
})

afterAll(() => project.remove())

test('every page has code that is held true', () => {
  expect(pages.filter((page) => !page.blocks.some(isChecked)).map(({ path }) => path)).toEqual([])
  expect(blocks.filter(isRun).length).toBeGreaterThan(0)
})

test('the code of every page compiles, strictly and with the declarations of the package checked', async () => {
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.iterable', 'esnext.disposable'],
    types: ['node'],
    jsx: 'react-jsx',
    strict: true,
    noEmit: true,
  }
  for (const path of ['node-server/server.ts', 'react-page/page.tsx']) copySource(project, path)
  const include = ['**/*.ts', '**/*.tsx', '../examples/node-server/*.ts', '../examples/react-page/*.tsx']
  project.write('docs/tsconfig.json', JSON.stringify({ compilerOptions, include }))
  expect(atPages(await project.typeCheck('docs'))).toBe('')
})

test('the example of a Worker compiles with the types of Workers', async () => {
  copySource(project, 'worker/worker.ts')
  const compilerOptions = {
    module: 'esnext',
    moduleResolution: 'bundler',
    target: 'es2023',
    lib: ['es2023'],
    types: ['@cloudflare/workers-types'],
    strict: true,
    skipLibCheck: true,
    noEmit: true,
  }
  project.write('examples/worker/tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  expect(await project.typeCheck('examples/worker')).toBe('')
})

for (const { at, info, code } of blocks.filter(isFlags))
  test(`the flags at ${at} are a file of flags`, () => {
    const read = readFlagFile(code, info.split(' ')[0] as FileFormat) // isFlags says so
    expect(read.file === null ? read.faults.map(describeFault) : []).toEqual([])
  })

for (const block of blocks.filter(isRun))
  test.concurrent(`the program at ${block.at} runs`, async () => {
    const { edge } = system.stack.urls
    const { serverKey, clientKey } = system.stack.seed.environments.production
    const env = { HALYARD_EDGE: edge, HALYARD_KEY: serverKey, HALYARD_CLIENT_KEY: clientKey }
    const { code, output } = await project.run(fileOf(block), { env })
    expect(code, `${block.at} ended with ${code}\n${output}`).toBe(0)
  })

test('the ten lines of the README run', async () => {
  const block = readBlocks('README.md').find(({ info }) => info === 'ts')
  expect(block?.code).toContain('http://localhost:8788')
  const code = block?.code.replace('http://localhost:8788', system.stack.urls.edge) ?? ''
  project.write('readme/program.ts', code)
  const { serverKey } = system.stack.seed.environments.production
  expect(await project.run('readme/program.ts', { env: { HALYARD_KEY: serverKey } })).toEqual({
    code: 0,
    output: 'the new checkout',
  })
})

for (const [name, node] of [
  ['the newest', process.execPath],
  ['the oldest', findNode(20)],
] as const)
  test.skipIf(node === null)(`the example of a Node server runs on ${name} Node`, async () => {
    const { edge } = system.stack.urls
    const file = project.write(
      'server.mjs',
      await bundleFor('node', copySource(project, 'node-server/server.ts')),
    )
    const port = await findFreePort()
    const { serverKey: key } = system.stack.seed.environments.production
    const env = { HALYARD_EDGE: edge, HALYARD_KEY: key, PORT: String(port) }
    const server = spawn(node ?? process.execPath, [file], { env, stdio: 'ignore' })
    onTestFinished(() => void server.kill('SIGKILL'))
    const ask = async () => await (await fetch(`http://127.0.0.1:${port}/?user=anna&country=DE`)).text()
    await until(ask, (answer) => answer === shownToAnna)
    server.kill('SIGTERM')
    expect(await once(server, 'exit')).toEqual([0, null]) // nothing of the client keeps it alive
  })

test('the example of a Worker runs in workerd', async () => {
  const script = await bundleFor('neutral', copySource(project, 'worker/worker.ts'))
  const { serverKey: HALYARD_KEY } = system.stack.seed.environments.production
  const bindings = { HALYARD_EDGE: system.stack.urls.edge, HALYARD_KEY }
  const options = { modules: true, script, bindings, compatibilityDate: '2026-09-18' }
  const worker = new Miniflare(convertV4MiniflareOptions(options))
  onTestFinished(async () => await worker.dispose())
  const answer = await worker.dispatchFetch('http://shop/?user=anna&country=DE')
  expect(await answer.text()).toBe(shownToAnna)
})

browserTest('the example of a React page runs in a browser', async () => {
  const define = {
    HALYARD_EDGE: system.stack.urls.edge,
    HALYARD_CLIENT_KEY: system.stack.seed.environments.production.clientKey,
    'process.env.NODE_ENV': 'production',
  }
  const page = await servePage(await bundleFor('browser', copySource(project, 'react-page/page.tsx'), define))
  const browser = await launchChromium()
  onTestFinished(async () => {
    await browser.close()
    page.close()
  })
  const { port } = page.address() as AddressInfo // it listens on a port
  const tab = await browser.newPage()
  await tab.goto(`http://127.0.0.1:${port}/?user=anna&country=DE`)
  await tab.getByText('Theme: compact').waitFor()
  expect(await tab.locator('h1').innerText()).toBe('The new checkout')
})

/** Each program has a folder of its own; the file of flags shown last before it lies beside it. */
function writePage({ blocks }: Page): void {
  let flags: Block | undefined
  for (const block of blocks) {
    if (isFlags(block)) flags = block
    if (!isProgram(block)) continue
    project.write(fileOf(block), block.code)
    if (flags)
      project.write(fileOf(block).replace(/program\.tsx?$/, `flags.${flags.info.split(' ')[0]}`), flags.code)
  }
}

function fileOf({ at, info }: Block): string {
  return `docs/${basename(at).replace('.md:', '-')}/program.${info.split(' ')[0]}`
}

/** What the compiler says of `docs/server-12/program.ts(3,1)` is of line 15 of the page. */
function atPages(output: string): string {
  return output.replaceAll(
    /^(?:docs\/)?([\w-]+-\d+)\/program\.tsx?\((\d+),\d+\)/gm,
    (whole, folder, line) => {
      const block = blocks.find((each) => isProgram(each) && fileOf(each).startsWith(`docs/${folder}/`))
      const [, path, fence] = /^(.*):(\d+)$/.exec(block?.at ?? '') ?? []
      return path === undefined ? whole : `${path}:${Number(fence) + Number(line)}`
    },
  )
}

function isRun({ info }: Block): boolean {
  return info === 'ts'
}

function isProgram({ info }: Block): boolean {
  return ['ts', 'tsx', 'ts check', 'tsx check'].includes(info)
}

function isFlags({ info }: Block): boolean {
  return ['json flags', 'yaml flags'].includes(info)
}

function isChecked(block: Block): boolean {
  return isProgram(block) || isFlags(block)
}
