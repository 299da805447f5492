/** A project outside of the workspace, as a user has it: the packed packages installed, and what goes with them. */
import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import type { Packed } from '../dev/pack-packages.ts'

export interface Ran {
  readonly code: number | null
  readonly output: string
}

export interface RunOrder {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** The program of another Node than ours. */
  readonly node?: string
}

export interface FreshProject {
  readonly folder: string
  /** Writes a file of it, with its folders. */
  readonly write: (path: string, content: string | Uint8Array) => string
  /** Runs a module of it; ended after 30 s. */
  readonly run: (path: string, order?: RunOrder) => Promise<Ran>
  /** What the TypeScript compiler says of it; '' if nothing. */
  readonly typeCheck: (tsconfig: string) => Promise<string>
  readonly remove: () => void
}

/** What a user adds: linked from the workspace, since tests do without a network. */
const companions = [
  '@openfeature/core',
  '@openfeature/ofrep-core',
  '@openfeature/ofrep-provider',
  '@openfeature/server-sdk',
  '@openfeature/web-sdk',
  '@cloudflare/workers-types',
  '@types/express',
  '@types/node',
  '@types/react',
  '@types/react-dom',
  'express',
  'hono',
  'react',
  'react-dom',
]
const runsMs = 30_000

/** Makes one and installs the archives into it, without asking a registry. */
export async function makeFreshProject(packed: Packed): Promise<FreshProject> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'halyard-fresh-')))
  const write = (path: string, content: string | Uint8Array) => {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
    return file
  }
  write('package.json', JSON.stringify({ name: 'fresh', private: true, type: 'module' }))
  const args = ['install', '--offline', '--no-audit', '--no-fund', packed.sdk, packed.cli]
  await promisify(execFile)('npm', args, { cwd: folder })
  for (const name of companions) {
    mkdirSync(dirname(join(folder, 'node_modules', name)), { recursive: true })
    symlinkSync(resolve('node_modules', name), join(folder, 'node_modules', name))
  }
  return {
    folder,
    write,
    run: async (path, { args = [], env = {}, node = process.execPath } = {}) =>
      await run([node, join(folder, path), ...args], dirname(join(folder, path)), env),
    typeCheck: async (tsconfig) =>
      (await run([process.execPath, resolve('node_modules/typescript/bin/tsc'), '-p', tsconfig], folder))
        .output,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** The program of a Node of this major version that is installed here; null if there is none. */
export function findNode(major: number): string | null {
  const programs = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'node'))
  const isIt = (program: string) =>
    existsSync(program) && execFileSync(program, ['--version'], { encoding: 'utf8' }).startsWith(`v${major}.`)
  return programs.find(isIt) ?? null
}

/** Sees only the variables given: a developer's own are none of a user's. */
async function run(
  [command = '', ...args]: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const child = spawn(command, args, {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: runsMs,
    killSignal: 'SIGKILL',
  })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return { code, output: (stdout + stderr).trim() }
}
