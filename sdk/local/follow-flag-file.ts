/** A file of flags on disk, followed as it changes. */
import { readFileSync } from 'node:fs'
import type { FileFault } from '@halyard/shared/flag-file/file-fault.ts'
import type { FlagFile } from '@halyard/shared/flag-file/flag-file.ts'
import { formatOf, readFlagFile } from '@halyard/shared/flag-file/parse-flag-file.ts'
import { platform } from '../transport/platform.ts'
import { watchFile } from './watch-file.ts'

/** What a file held when it was read; `text` is null if it could not be. */
export type FileReading =
  | { readonly text: string; readonly file: FlagFile }
  | { readonly text: string | null; readonly file: null; readonly faults: readonly FileFault[] }

/** A broken file is looked at again so soon, before it is told of: perhaps it is only half written. */
const secondLookMs = 100

/** Reads a file of flags. Never throws: what is wrong is in the answer. */
export function readFromDisk(path: string): FileReading {
  const format = formatOf(path)
  if (format === null) return broken(null, `its name must end in .json, .yaml or .yml`)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
  } catch (cause) {
    return broken(null, cause instanceof TypeError ? 'is not UTF-8' : `cannot be read: ${messageOf(cause)}`)
  }
  return { text, ...readFlagFile(text, format) }
}

/**
 * Calls back with what a file holds each time that its content is another than `told`, what was last read of it.
 * Returns what ends that.
 */
export function followFlagFile(
  path: string,
  told: FileReading,
  onReading: (reading: FileReading) => void,
): () => void {
  let last = told
  let cancel: (() => void) | undefined
  const look = (isSecond: boolean) => {
    cancel?.()
    const reading = readFromDisk(path)
    if (isSame(reading, last)) return
    if (reading.file === null && !isSecond) {
      cancel = platform.setTimer(secondLookMs, () => look(true))
      return
    }
    last = reading
    onReading(reading)
  }
  const stop = watchFile(path, () => look(false))
  return () => {
    cancel?.()
    stop()
  }
}

function isSame(a: FileReading, b: FileReading): boolean {
  return a.text === b.text && (a.text !== null || faultText(a) === faultText(b))
}

function faultText(reading: FileReading): string {
  return reading.file === null ? (reading.faults[0]?.detail ?? '') : ''
}

function broken(text: string | null, detail: string): FileReading {
  return { text, file: null, faults: [{ pointer: '', detail }] }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
