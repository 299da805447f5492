import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FlagFile } from '@halyard/shared/flag-file/flag-file.ts'
import { readProjectFile } from '../project-file.ts'
import { failWith, fail, ok, type Finding } from './finding.ts'

const flagFile = 'flags.json'

/** halyard.json here or above, and flags.json here; neither has to be there. */
export function checkFiles(folder: string): Finding[] {
  return [...checkProjectFile(folder), ...checkFlagFile(folder)]
}

function checkProjectFile(folder: string): Finding[] {
  try {
    const file = readProjectFile(folder)
    return file === null ? [] : [ok('project file', file.path)]
  } catch (error) {
    return [failWith('project file', error, 'mend it')]
  }
}

function checkFlagFile(folder: string): Finding[] {
  const path = join(folder, flagFile)
  if (!existsSync(path)) return []
  try {
    const { success, data, error } = FlagFile.safeParse(JSON.parse(readFileSync(path, 'utf8')))
    if (success) return [ok('flag file', `${path} with ${Object.keys(data.flags).length} flags`)]
    const { path: at = [], message = '' } = error.issues[0] ?? {}
    return [fail('flag file', `${path}: /${at.join('/')}: ${message}`, 'mend it')]
  } catch (error) {
    return [
      fail('flag file', `${path}: ${error instanceof Error ? error.message : String(error)}`, 'mend it'),
    ]
  }
}
