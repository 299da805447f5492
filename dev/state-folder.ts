import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fault } from './fault.ts'
import { tryLock } from './file-lock.mjs'

export interface StateFolder {
  readonly path: string
  readonly release: () => void
}

const marker = 'halyard-state'
const lockName = 'lock'

/** Opens the folder that keeps everything of a local stack, for one process at a time; `isReset` empties it first. */
export function openStateFolder(folder: string, isReset: boolean): StateFolder {
  const path = resolve(folder)
  if (existsSync(path) && readdirSync(path).length > 0 && !existsSync(join(path, marker))) {
    throw fault(`${path} is not a state folder of Halyard`, 'Name another with --state')
  }
  mkdirSync(path, { recursive: true })
  writeFileSync(join(path, marker), 'Data of a local Halyard. Remove it with: npm run dev -- --reset\n')
  const lock = tryLock(join(path, lockName))
  if (lock.holder === 0) {
    throw fault(
      `Another start is taking over ${path}`,
      `Try again; if that does not help, remove ${join(path, lockName)}.breaking`,
    )
  }
  if (lock.holder !== undefined) {
    const remedy = 'Use that one, or stop it, or name another folder with --state'
    throw fault(`Halyard already runs on ${path} (process ${lock.holder})`, remedy)
  }
  if (isReset) empty(path)
  return { path, release: lock.release }
}

function empty(path: string): void {
  for (const name of readdirSync(path)) {
    if (name !== lockName && name !== marker) rmSync(join(path, name), { recursive: true, force: true })
  }
}
