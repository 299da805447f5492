import { describeFault } from '@halyard/shared/flag-file/file-fault.ts'
import { readJson } from '@halyard/shared/flag-file/json-text.ts'
import { formatOf } from '@halyard/shared/flag-file/parse-flag-file.ts'
import { readYaml } from '@halyard/shared/flag-file/yaml-text.ts'
import type { Json } from '@halyard/shared/engine/model.ts'
import { usageError } from '../command-error.ts'
import { readTextAt } from '../files/read-flag-file.ts'

/** What a file holds: YAML if its name says so, else JSON. */
export function readDocument(file: string): Json {
  const text = readTextAt(file).replace(/^\uFEFF/, '')
  const read = formatOf(file) === 'yaml' ? readYaml(text) : readJson(text)
  if ('faults' in read) throw usageError(`${file} cannot be read`, ...read.faults.map(describeFault))
  return read.value as Json // what JSON and YAML give, in the parts of YAML that are JSON
}
