/** What is published: its files, its types, its weight. */
import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { build } from 'esbuild'
import { publint } from 'publint'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { findNode, makeFreshProject, type FreshProject } from './fresh-project.ts'
import { packOnce } from './run-once.ts'
import type { Packed } from '../dev/pack-packages.ts'

/**
 * The entries, with what each may weigh in a consumer's bundle: KiB, minified and after gzip, without peers. Whoever adds
 * one says here what it costs.
 */
const budgets: Readonly<Record<string, number>> = {
  express: 1,
  hono: 1,
  local: 165,
  'openfeature-server': 90,
  'openfeature-web': 8,
  react: 7.5,
  server: 90,
  testing: 140,
  web: 6,
  workers: 90,
}
const entries = Object.keys(budgets)
/** Those that run where there is no Node. */
const forBrowsersAndWorkers = ['hono', 'openfeature-web', 'react', 'web', 'workers']
const oldestNode = findNode(20)
const peers = [
  '@openfeature/core',
  '@openfeature/server-sdk',
  '@openfeature/web-sdk',
  'express',
  'hono',
  'react',
]

let packed: Packed
let project: FreshProject

beforeAll(async () => {
  packed = await packOnce()
  project = await makeFreshProject(packed)
})

afterAll(() => project.remove())

test('the SDK is its entries, their declarations and maps, the chunks they share, and papers', () => {
  const perEntry = entries.flatMap((name) => [`${name}.d.ts`, `${name}.js`, `${name}.js.map`])
  const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'THIRD-PARTY-NOTICES', 'package.json']
  const files = listFiles(packed.sdk)
  const chunks = files.filter((path) => /^chunks\/[\w-]+\.(js|js\.map|d\.ts)$/.test(path))
  expect(files.filter((path) => !chunks.includes(path))).toEqual(
    [...perEntry, ...papers, 'local/flags.schema.json'].toSorted(),
  )
})

test('the CLI is one program, and papers', () => {
  expect(listFiles(packed.cli)).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'THIRD-PARTY-NOTICES',
    'halyard.cjs',
    'package.json',
  ])
})

test('nothing is installed along, and nothing runs at an install', () => {
  for (const name of ['sdk', 'cli']) {
    const manifest = readManifest(name)
    expect(manifest).not.toHaveProperty('dependencies')
    expect(manifest).not.toHaveProperty('scripts')
  }
  const { peerDependencies, peerDependenciesMeta } = readManifest('sdk')
  expect(Object.keys(peerDependencies ?? {})).toEqual(peers)
  for (const peer of peers) expect(peerDependenciesMeta?.[peer]).toEqual({ optional: true })
})

test('no file names a place of the machine that made it', () => {
  for (const name of ['sdk', 'cli']) {
    const files = readdirSync(installed(name), { recursive: true, withFileTypes: true }).filter((each) =>
      each.isFile(),
    )
    const naming = files.filter((file) =>
      readFileSync(join(file.parentPath, file.name), 'utf8').includes(process.cwd()),
    )
    expect(naming.map((file) => file.name)).toEqual([])
  }
})

test('publint has nothing to say', async () => {
  for (const name of ['sdk', 'cli']) {
    const { messages } = await publint({ pkgDir: installed(name), pack: false, strict: true })
    expect(messages).toEqual([])
  }
})

test('every way to resolve modules that knows `exports` finds the types of what it loads', async () => {
  const checked = await checkPackage(createPackageFromTarballData(readFileSync(packed.sdk)), {
    entrypoints: entries,
  })
  if (!checked.types) throw new Error('the SDK has no types')
  // ESM only: resolution as in Node 10 finds nothing, and `require` finds modules.
  const problems = checked.problems.filter(
    (problem) => !('resolutionKind' in problem && ['node10', 'node16-cjs'].includes(problem.resolutionKind)),
  )
  expect(problems).toEqual([])
})

test('what browsers and Workers load asks nothing of Node', async () => {
  for (const name of forBrowsersAndWorkers)
    expect((await bundle(`export * from '@halyard/sdk/${name}'`)).asks, name).toEqual([])
})

test('what is imported and not used leaves nothing behind', async () => {
  for (const name of entries) {
    const [first] = (await bundle(`export * from '@halyard/sdk/${name}'`)).names
    expect((await bundle(`import { ${first} } from '@halyard/sdk/${name}'`)).code, name).toBe('')
  }
})

test('an import changes nothing, and keeps no process alive', async () => {
  project.write('import-all.mjs', importAll)
  expect(await project.run('import-all.mjs')).toEqual({ code: 0, output: 'nothing' })
})

test.each(Object.entries(budgets))('%s weighs at most %d KiB', async (name, budget) => {
  const { code } = await bundle(`export * from '@halyard/sdk/${name}'`)
  expect(gzipSync(code, { level: 9 }).length / 1024).toBeLessThanOrEqual(budget)
})

test.each(['nodenext', 'bundler'])(
  'strict TypeScript takes every entry, resolved as %s',
  async (resolution) => {
    const compilerOptions = {
      module: resolution === 'bundler' ? 'esnext' : 'nodenext',
      moduleResolution: resolution,
      target: 'es2023',
      lib: ['es2023', 'dom', 'dom.iterable'],
      types: ['node'],
      jsx: 'react-jsx',
      strict: true,
      exactOptionalPropertyTypes: true,
      declaration: true,
      outDir: 'out',
      skipLibCheck: resolution === 'bundler', // once is enough, and takes its time
    }
    project.write(
      'types/every-entry.ts',
      entries.map((name) => `export * as ${camel(name)} from '@halyard/sdk/${name}'`).join('\n'),
    )
    project.write('types/typed-flags.ts', typedFlags)
    project.write('types/tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    expect(await project.typeCheck('types')).toBe('')
  },
)

test.skipIf(oldestNode === null)('the CLI runs on the oldest Node that it names', async () => {
  const args = ['complete', '--', 'fl'] // loads the program, and of a command what it needs: --version does not
  const ran = await project.run('node_modules/.bin/halyard', { node: oldestNode ?? '', args })
  expect(ran).toEqual({ code: 0, output: expect.stringMatching(/^flags\t/) })
})

test('a release that failed halfway publishes what is not there yet', () => {
  const { jobs } = parse(readFileSync('.github/workflows/release.yml', 'utf8'))
  const steps: readonly { readonly run?: string }[] = jobs.publish.steps
  const script = steps.find(({ run }) => run?.includes('npm publish'))?.run ?? ''
  // The registry is a folder: an answer for each version that it has; of any other npm says nothing and fails.
  const npm = project.write('release/bin/npm', npmOfFolder)
  chmodSync(npm, 0o755)
  for (const name of ['sdk', 'cli'] as const)
    project.write(`release/dist/npm/${name}.tgz`, readFileSync(packed[name]))
  project.write(`release/@halyard/sdk@${readManifest('sdk').version}`, '1')
  const env = { ...process.env, PATH: `${dirname(npm)}:${process.env['PATH']}` }
  const options = { cwd: join(project.folder, 'release'), env, encoding: 'utf8' } as const
  const published = execFileSync('bash', ['-e', '-c', script], options)
  expect(published).toBe('publish --provenance --access public dist/npm/cli.tgz\n')
})

const npmOfFolder = `#!/bin/sh
if [ "$1" = view ]; then exec cat "$2"; fi
echo "$@"
`

/** Keys and values that the type of the flags does not have do not compile; what a client infers can be exported. */
const typedFlags = `
import { createClient } from '@halyard/sdk/server'
type FlagTypes = { 'new-checkout': boolean; theme: 'dark' | 'light'; limits: { readonly max: number } }
export const untyped = createClient({ edge: 'https://flags.example.com', key: 'hyd_srv_1' })
export const client = createClient<FlagTypes>({ edge: 'https://flags.example.com', key: 'hyd_srv_1' })
export const theme: 'dark' | 'light' = client.string('theme', 'dark')
export const max: number = client.json('limits', { max: 1 }).max
export const details = client.booleanDetails('new-checkout', false)
export const all = untyped.all({ targetingKey: 'user-1' })
// @ts-expect-error: there is no such flag
client.boolean('old-checkout', false)
// @ts-expect-error: it is no boolean
client.boolean('theme', false)
// @ts-expect-error: no value of it
client.string('theme', 'blue')
`

// That of Workers imports what there is in workerd alone.
const importAll = `
const before = Object.getOwnPropertyNames(globalThis)
for (const name of ${JSON.stringify(entries.filter((name) => name !== 'workers'))}) await import('@halyard/sdk/' + name)
const added = Object.getOwnPropertyNames(globalThis).filter((name) => !before.includes(name))
const kept = process.getActiveResourcesInfo().filter((kind) => /Timeout|TCP|Message|FS/.test(kind))
console.log([...added, ...kept].join(' ') || 'nothing')
`

interface Manifest {
  readonly version: string
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, object>>
}

function listFiles(tarball: string): readonly string[] {
  const paths = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n')
  return paths.map((path) => path.replace('package/', '')).toSorted()
}

function installed(name: string): string {
  return join(project.folder, 'node_modules', '@halyard', name)
}

function readManifest(name: string): Manifest {
  return JSON.parse(readFileSync(join(installed(name), 'package.json'), 'utf8'))
}

/** What a consumer's bundler makes of a line: its code, the names that it exports, and what of Node it imports. */
async function bundle(line: string) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: line, resolveDir: project.folder },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    external: ['node:*', 'cloudflare:*', ...peers, 'react/jsx-runtime'],
    write: false,
    metafile: true,
    logLevel: 'error',
  })
  const [output] = Object.values(metafile.outputs)
  const asks = output?.imports.map(({ path }) => path).filter((path) => path.startsWith('node:'))
  return { code: outputFiles[0]?.text.trim() ?? '', names: output?.exports ?? [], asks }
}

function camel(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}
