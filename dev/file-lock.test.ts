import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isRunning, startOf, tryLock } from './file-lock.mjs'

let folder: string
let path: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'halyard-lock-'))
  path = join(folder, 'lock')
})

afterEach(() => rmSync(folder, { recursive: true }))

test('a lock is held once, by name, and free after its release', () => {
  const held = take()
  expect(tryLock(path)).toEqual({ holder: process.pid })
  held.release()
  take().release()
  expect(readdirSync(folder)).toEqual([])
})

test('the lock of a killed process is taken over', async () => {
  const child = holdElsewhere()
  await once(createInterface({ input: child.stdout }), 'line')
  expect(tryLock(path)).toEqual({ holder: child.pid })
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(tryLock(path).holder).toBeUndefined()
})

test('the lock of an id that now belongs to another process is taken over', () => {
  writeFileSync(path, JSON.stringify({ pid: process.ppid, started: 'another time' }))
  expect(tryLock(path).holder).toBeUndefined()
})

test('a dead lock that another process is taking over this moment is left to it', () => {
  const dead = JSON.stringify({ pid: process.ppid, started: 'another time' })
  writeFileSync(path, dead)
  writeFileSync(`${path}.breaking`, '')
  expect(tryLock(path)).toEqual({ holder: 0 })
  expect(readFileSync(path, 'utf8')).toBe(dead)
})

test('of many that find a dead lock, one gets it', async () => {
  writeFileSync(path, JSON.stringify({ pid: process.ppid, started: 'another time' }))
  const children = Array.from({ length: 12 }, () => holdElsewhere())
  const lines = await Promise.all(
    children.map(async ({ stdout }) => String((await once(createInterface({ input: stdout }), 'line'))[0])),
  )
  expect(lines.filter((line) => line === 'held')).toHaveLength(1)
  children.forEach((child) => child.kill('SIGKILL'))
  await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, 'exit')))
})

test('a process is told by its start, not by its id alone', () => {
  expect(isRunning(process.pid, startOf(process.pid))).toBe(true)
  expect(isRunning(process.pid, 'another time')).toBe(false)
  expect(startOf(2 ** 22 + 1)).toBeNull()
})

function take() {
  const lock = tryLock(path)
  if (lock.holder !== undefined) throw new Error(`held by ${lock.holder}`)
  return lock
}

function holdElsewhere() {
  const module = JSON.stringify(new URL('./file-lock.mjs', import.meta.url).href)
  const code = `import { tryLock } from ${module}
    console.log(tryLock(${JSON.stringify(path)}).release ? 'held' : 'refused')
    setInterval(() => {}, 1000)`
  return spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
