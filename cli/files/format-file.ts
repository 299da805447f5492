import { stringify } from 'yaml'
import type { FileFormat } from '@halyard/shared/flag-file/parse-flag-file.ts'
import type { FlagFileInput } from './to-file.ts'

/** A file as text: the same content is the same bytes, one fact a line, so that differences are short. */
export function formatFlagFile(file: FlagFileInput, format: FileFormat): string {
  if (format === 'json') return `${JSON.stringify(file, null, 2)}\n`
  // Folded texts and anchors would change lines that nobody touched.
  return stringify(file, { lineWidth: 0, aliasDuplicateObjects: false })
}
