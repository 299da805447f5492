/**
 * A lock file that survives nobody: it names its holder by process id and start time, so that a lock whose holder
 * was killed is taken over, also when the id has been given to another process since. Plain JavaScript, because
 * `bootstrap.mjs` needs it before anything is installed.
 */
import { execFileSync } from 'node:child_process'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { randomUUID } from 'node:crypto'

/** @type {import('./file-lock.d.mts').tryLock} */
export function tryLock(path) {
  const mine = `${path}.${randomUUID()}`
  writeFileSync(mine, JSON.stringify({ pid: process.pid, started: startOf(process.pid) }), { mode: 0o600 })
  try {
    if (!create(mine, path)) {
      const holder = holderOf(path)
      if (holder !== null) return { holder }
      if (!takeOver(mine, path)) return { holder: holderOf(path) ?? 0 }
    }
  } finally {
    rmSync(mine, { force: true })
  }
  return { release: () => rmSync(path, { force: true }) }
}

/** @type {import('./file-lock.d.mts').isRunning} */
export function isRunning(pid, started) {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (error.code === 'ESRCH') return false // EPERM: it runs, as somebody else
  }
  const now = startOf(pid)
  return now !== null && (started === null || started === now)
}

/** @type {import('./file-lock.d.mts').startOf} */
export function startOf(pid) {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || null
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ') // the name before may hold anything
    return fields[0] === 'Z' ? null : (fields[19] ?? null)
  } catch {
    return null // no such process
  }
}

/** Gives the file `from` the name `to` unless that exists: never a lock without its content. */
function create(from, to) {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/** Replaces a dead holder's lock. A second lock makes sure that only one process removes it, and only a dead one's. */
function takeOver(mine, path) {
  const breaking = `${path}.breaking`
  if (!create(mine, breaking)) return false
  try {
    if (holderOf(path) !== null) return false
    rmSync(path, { force: true })
    return create(mine, path)
  } finally {
    rmSync(breaking, { force: true })
  }
}

/** The process id of the living holder, or null. */
function holderOf(path) {
  try {
    const { pid, started } = JSON.parse(readFileSync(path, 'utf8'))
    return isRunning(pid, started) ? pid : null
  } catch {
    return null // gone meanwhile, or never a lock of ours
  }
}
