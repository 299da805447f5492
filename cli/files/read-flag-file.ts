import { readFileSync } from 'node:fs'
import { describeFault } from '@halyard/shared/flag-file/file-fault.ts'
import { formatOf, parseFlagFile, type FileFormat } from '@halyard/shared/flag-file/parse-flag-file.ts'
import { pathOf } from '../arguments.ts'
import { usageError } from '../command-error.ts'

const shownMax = 20

/** The format that the name of a file says. */
export function formatNamed(file: string): FileFormat {
  const format = formatOf(file)
  if (format === null) throw usageError(`${file} is neither .json, .yaml nor .yml by its name`)
  return format
}

/** The text of a file that was named on the command line. Bytes of another encoding would come to be other values. */
export function readTextAt(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(pathOf(file)))
  } catch (error) {
    throw usageError(`${file} cannot be read`, error instanceof Error ? error.message : String(error))
  }
}

/** A file of flags of the right form. A usage error says everything that is wrong with it, and where. */
export function readFlagFileAt(file: string) {
  const parsed = parseFlagFile(readTextAt(file), formatNamed(file))
  if (parsed.file === null) throw faultsIn(file, parsed.faults)
  return parsed
}

export function faultsIn(file: string, faults: readonly Parameters<typeof describeFault>[0][]) {
  const more = faults.length > shownMax ? [`and ${faults.length - shownMax} more`] : []
  return usageError(
    `${file} is no file of flags that a server would take`,
    ...faults.slice(0, shownMax).map(describeFault),
    ...more,
  )
}
