import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { fault } from './fault.ts'

/** The folder of the project. */
export const projectRoot = fileURLToPath(new URL('..', import.meta.url))

export interface ToolResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The script that an installed package runs under this name. */
export function findTool(packageName: string, command: string): string {
  const folder = findPackage(packageName)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const path: string | undefined = typeof bin === 'string' ? bin : bin?.[command]
  if (path === undefined) throw fault(`${packageName} has no program ${command}`, 'Run npm install')
  return join(folder, path)
}

/** Runs a script on this Node with our terminal; answers its exit code. Our signals reach it too. */
export async function runTool(script: string, args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [script, ...args], { cwd: projectRoot, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  const [code, signal] = await once(child, 'exit')
  return code ?? 128 + constants.signals[signal as NodeJS.Signals] // one of the two is set
}

/** Runs a script on this Node and keeps what it says. */
export async function readTool(
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<ToolResult> {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: projectRoot,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ])
  return { code: code ?? 1, stdout, stderr }
}

function findPackage(name: string): string {
  const search = createRequire(import.meta.url).resolve.paths(name) ?? []
  const found = search
    .map((folder) => join(folder, name))
    .find((folder) => existsSync(join(folder, 'package.json')))
  if (found === undefined)
    throw fault(`The package ${name} is not installed`, `Run npm install in ${dirname(search[0] ?? '')}`)
  return found
}
