import { mkdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { pathOf } from './arguments.ts'
import { usageError } from './command-error.ts'

/**
 * Writes a file that was named on the command line, and the folders to it. Nobody meets half of it: a run that is cut
 * off leaves what was there. A usage error says why it cannot be written.
 */
export function writeTextAt(file: string, text: string): void {
  try {
    const path = targetOf(pathOf(file))
    mkdirSync(dirname(path), { recursive: true })
    const there = statSync(path, { throwIfNoEntry: false })
    // A folder is refused here, and a device or a pipe takes the text itself.
    if (there && !there.isFile()) return writeFileSync(path, text)
    replace(path, text, there?.mode)
  } catch (error) {
    throw usageError(`${file} cannot be written`, error instanceof Error ? error.message : String(error))
  }
}

/** Of a link, what it leads to: the link stays. */
function targetOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path // it is made, or cannot be, which is told
  }
}

function replace(path: string, text: string, mode: number | undefined): void {
  const draft = `${path}.${process.pid}.tmp`
  try {
    writeFileSync(draft, text, { mode })
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}
