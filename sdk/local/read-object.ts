/** Flags that a program gives as an object. Runs wherever there is JavaScript. */
import type * as z from 'zod'
import { checkFlagFile } from '@halyard/shared/flag-file/check-flag-file.ts'
import { describeFault, type FileFault } from '@halyard/shared/flag-file/file-fault.ts'
import type { FlagFile } from '@halyard/shared/flag-file/flag-file.ts'
import { parseFlagValue } from '@halyard/shared/flag-file/parse-flag-value.ts'

/** A file of flags as an object. */
export type FlagFileInput = Omit<z.input<typeof FlagFile>, '$schema'>

/** A copy of flags that were given as an object. Throws a TypeError with everything that is wrong. */
export function readObject(content: object): FlagFile {
  const parsed = parseFlagValue(JSON.parse(JSON.stringify(content)))
  const faults = parsed.file === null ? parsed.faults : checkFlagFile(parsed.file)
  if (parsed.file === null || faults.length > 0)
    throw new TypeError(listFaults('these flags cannot be used', faults))
  return parsed.file
}

/** Everything that is wrong, a line each below what that means. */
export function listFaults(what: string, faults: readonly FileFault[]): string {
  return [`${what}:`, ...faults.map((fault) => `  ${describeFault(fault)}`)].join('\n')
}
