import { readFileSync } from 'node:fs'
import { limits } from '@halyard/shared/contract/limits.ts'
import { valueTypeOf, variantsOf } from '@halyard/shared/flag-file/resolve.ts'
import { pathOf } from '../arguments.ts'
import { CommandError, exitCodes } from '../command-error.ts'
import { readFlagFileAt } from '../files/read-flag-file.ts'
import { toTypeScript, type CodeFlag } from '../files/typescript.ts'
import { printJson, printLine } from '../output.ts'
import { readPages } from '../pages.ts'
import { clientOf, projectOf } from '../place.ts'
import type { Settings } from '../settings.ts'
import { writeTextAt } from '../write-text.ts'

export interface CodegenOptions {
  readonly out: string
  readonly file?: string
  readonly check?: boolean
}

/** `codegen`: the flags of a file, or of the project, as TypeScript. */
export async function codegen({ out, file, check }: CodegenOptions, settings: Settings): Promise<void> {
  const flags = file === undefined ? await flagsOfProject(settings) : flagsOfFile(file)
  const text = toTypeScript(flags)
  const isCurrent = readIfThere(pathOf(out)) === text
  if (check === true && !isCurrent) {
    const again = `halyard codegen --out ${out}${file === undefined ? '' : ` --file ${file}`}`
    throw new CommandError(exitCodes.failed, `${out} is not what the flags are now`, [`run: ${again}`])
  }
  if (!isCurrent) writeTextAt(out, text)
  if (settings.isJson) printJson({ out, flags: flags.length, changed: !isCurrent })
  else
    printLine(
      `${out}: ${flags.length} ${flags.length === 1 ? 'flag' : 'flags'}${isCurrent ? ', as it was' : ''}`,
    )
}

async function flagsOfProject(settings: Settings): Promise<CodeFlag[]> {
  const client = clientOf(settings)
  const params = projectOf(settings)
  return await readPages((cursor) =>
    client.call('listFlags', { params, query: { cursor, limit: limits.pageSize } }),
  ).then((flags) => flags.map((flag) => ({ ...flag, schema: flag.schema })))
}

function flagsOfFile(file: string): CodeFlag[] {
  return Object.entries(readFlagFileAt(file).file.flags).map(([key, flag]) => {
    const { name = key, description = '', schema = null, expiresAt = null, onExpiry = 'keep' } = flag
    const [valueType, variants] = [valueTypeOf(flag), variantsOf(flag)]
    return { key, name, description, valueType, variants, schema, expiresAt, onExpiry }
  })
}

function readIfThere(path: string): string | null {
  try {
    // A checkout may have the line ends of its machine.
    return readFileSync(path, 'utf8').replaceAll('\r\n', '\n')
  } catch {
    return null // it is made, or cannot be written, which is told
  }
}
