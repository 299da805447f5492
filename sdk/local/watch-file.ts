import { realpathSync, unwatchFile, watch, watchFile as pollFile } from 'node:fs'
import { dirname } from 'node:path'
import { platform } from '../transport/platform.ts'

const settleMs = 20
const pollMs = 500

/**
 * Calls back when a file may have changed, also if it is replaced, removed or made again; once soon after the start.
 * Returns what ends that. Keeps no process alive.
 */
export function watchFile(path: string, onEvent: () => void): () => void {
  let cancel: (() => void) | undefined
  const settle = () => {
    cancel?.()
    cancel = platform.setTimer(settleMs, onEvent)
  }
  const stops = foldersOf(path).map((folder) => watchFolder(folder, path, settle))
  settle() // what came between the first look and this one
  return () => {
    cancel?.()
    for (const stop of stops) stop()
  }
}

/** The folder is watched, not the file: editors put another file in its place. Of a link both folders. */
function foldersOf(path: string): string[] {
  try {
    return [...new Set([dirname(path), dirname(realpathSync(path))])]
  } catch {
    return [dirname(path)] // it is gone, and may come again
  }
}

/** Where the system gives no notice (too many watches, a network drive), the file is looked at now and then. */
function watchFolder(folder: string, path: string, onEvent: () => void): () => void {
  const poll = () => {
    pollFile(path, { interval: pollMs, persistent: false }, onEvent)
    return () => unwatchFile(path, onEvent)
  }
  try {
    const watcher = watch(folder, { persistent: false }, onEvent)
    let stop = () => watcher.close()
    watcher.on('error', () => {
      watcher.close()
      stop = poll()
    })
    return () => stop()
  } catch {
    return poll()
  }
}
