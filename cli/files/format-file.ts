import { Document, visit } from 'yaml'
import type { FileFormat } from '@halyard/shared/flag-file/parse-flag-file.ts'
import type { FlagFileInput } from './to-file.ts'

/** A file as text: the same content is the same bytes, one fact a line, so that differences are short. */
export function formatFlagFile(file: FlagFileInput, format: FileFormat): string {
  if (format === 'json') return `${JSON.stringify(file, null, 2)}\n`
  const document = new Document(file, { aliasDuplicateObjects: false })
  visit(document, {
    Scalar: (_, scalar) => {
      if (typeof scalar.value === 'string' && /[\u007F-\u009F]/.test(scalar.value))
        scalar.type = 'QUOTE_DOUBLE'
    },
  })
  // Folded texts would change lines that nobody touched.
  const text = document.toString({ lineWidth: 0 })
  // YAML allows no such characters, and the package writes them as they are.
  return text.replaceAll(/[\u007F-\u009F]/g, (control) => `\\x${control.charCodeAt(0).toString(16)}`)
}
