import { checkFlagFile } from './check-flag-file.ts'
import { locateFault, type FileFault, type Locate } from './file-fault.ts'
import type { FlagFile } from './flag-file.ts'
import { parseFlagValue } from './parse-flag-value.ts'
import { readJson } from './json-text.ts'
import { readYaml } from './yaml-text.ts'

export type FileFormat = 'json' | 'yaml'

/** A file of flags whose form is right, and where its parts stand; or everything that is wrong. */
export type ParsedFlagFile =
  | { readonly file: FlagFile; readonly locate: Locate }
  | { readonly file: null; readonly faults: readonly FileFault[] }

/** The format of a file by the end of its name; null if it is neither `.json`, `.yaml` nor `.yml`. */
export function formatOf(path: string): FileFormat | null {
  if (/\.json$/i.test(path)) return 'json'
  return /\.ya?ml$/i.test(path) ? 'yaml' : null
}

/**
 * Reads a file of flags, with the defaults of its schema. What its parts say of each other is not looked at: `readFlagFile`
 * does that too.
 */
export function parseFlagFile(text: string, format: FileFormat): ParsedFlagFile {
  const plain = text.startsWith('\ufeff') ? text.slice(1) : text
  const read = format === 'json' ? readJson(plain) : readYaml(plain)
  if ('faults' in read) return { file: null, faults: read.faults }
  const parsed = parseFlagValue(read.value)
  if (parsed.file !== null) return { file: parsed.file, locate: read.locate }
  return { file: null, faults: parsed.faults.map((fault) => locateFault(fault, read.locate)) }
}

/** Reads a file of flags that stands for itself: what it refers to must be in it, and a server would take all of it. */
export function readFlagFile(text: string, format: FileFormat): ParsedFlagFile {
  const parsed = parseFlagFile(text, format)
  if (parsed.file === null) return parsed
  const wrong = checkFlagFile(parsed.file)
  if (wrong.length === 0) return parsed
  return { file: null, faults: wrong.map((fault) => locateFault(fault, parsed.locate)) }
}
