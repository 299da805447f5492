import { realpathSync, unwatchFile, watch, watchFile as pollFile, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import { platform } from '../transport/platform.ts'

const settleMs = 20
const pollMs = 500

/**
 * Calls back when a file may have changed, also if it or its folder is replaced, removed or made again; once soon after
 * the start. Returns what ends that. Keeps no process alive.
 */
export function watchFile(path: string, onEvent: () => void): () => void {
  let cancel: (() => void) | undefined
  let stops: readonly (() => void)[] = []
  const stop = () => {
    cancel?.()
    for (const stopOne of stops) stopOne()
  }
  const begin = () => {
    stop()
    stops = foldersOf(path).map((folder) => watchFolder(folder, path, settle))
  }
  const settle = () => {
    cancel?.()
    cancel = platform.setTimer(settleMs, () => {
      begin() // a folder that was made again, and one that a link now leads to, is another than was watched
      onEvent()
    })
  }
  begin()
  settle() // what came between the first look and this one
  return stop
}

/** The folder is watched, not the file: editors put another file in its place. Of a link both folders. */
function foldersOf(path: string): string[] {
  try {
    return [...new Set([dirname(path), dirname(realpathSync(path))])]
  } catch {
    return [dirname(path)] // it is gone, and may come again
  }
}

/** Where the system gives no notice (no such folder, too many watches), the file is looked at now and then. */
function watchFolder(folder: string, path: string, onEvent: () => void): () => void {
  // Of a file that is not there it is told at once, and again when it comes.
  const onStat = (now: Stats, before: Stats) => (now.nlink > 0 || before.nlink > 0) && onEvent()
  const poll = () => {
    pollFile(path, { interval: pollMs, persistent: false }, onStat)
    return () => unwatchFile(path, onStat)
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
