import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fault } from './fault.ts'
import { isRunning } from './file-lock.mjs'

const patienceMs = 10_000

/**
 * Makes a data folder free to start on: ends a server that a killed parent left running on it, and removes a
 * `postmaster.pid` whose process is gone or has become something else, which Postgres would take for alive.
 */
export async function stopLeftover(data: string): Promise<void> {
  const file = join(data, 'postmaster.pid')
  const pid = readPid(file)
  if (pid === null) return
  if (!isServerOf(pid, data)) {
    rmSync(file, { force: true })
    return
  }
  interrupt(pid)
  const end = Date.now() + patienceMs
  while (isRunning(pid, null)) {
    if (Date.now() > end)
      throw fault(`Another Postgres (process ${pid}) will not leave ${data}`, `End it: kill ${pid}`)
    await wait(20)
  }
}

function interrupt(pid: number): void {
  try {
    process.kill(pid, 'SIGINT')
  } catch {
    // it ended this moment, which is what is wanted
  }
}

function readPid(file: string): number | null {
  try {
    const pid = Number.parseInt(readFileSync(file, 'utf8'), 10)
    return pid > 1 ? pid : null
  } catch {
    return null // no server was left
  }
}

function isServerOf(pid: number, data: string): boolean {
  return isRunning(pid, null) && commandLine(pid).includes(` -D ${data} `)
}

function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux')
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
  } catch {
    return '' // it ended meanwhile
  }
}
