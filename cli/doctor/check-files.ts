import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describeFault } from '@halyard/shared/flag-file/file-fault.ts'
import { readFromDisk } from '@halyard/sdk/local/follow-flag-file.ts'
import { readProjectFile } from '../project-file.ts'
import { failWith, fail, ok, type Finding } from './finding.ts'

const flagFiles = ['flags.json', 'flags.yaml', 'flags.yml']

/** halyard.json here or above, and a file of flags here; neither has to be there. */
export function checkFiles(folder: string): Finding[] {
  const paths = flagFiles.map((name) => join(folder, name)).filter((path) => existsSync(path))
  return [...checkProjectFile(folder), ...paths.map(checkFlagFile)]
}

function checkProjectFile(folder: string): Finding[] {
  try {
    const file = readProjectFile(folder)
    return file === null ? [] : [ok('project file', file.path)]
  } catch (error) {
    return [failWith('project file', error, 'mend it')]
  }
}

/** As `serve` reads it. */
function checkFlagFile(path: string): Finding {
  const reading = readFromDisk(path)
  if (reading.file !== null)
    return ok('flag file', `${path} with ${Object.keys(reading.file.flags).length} flags`)
  const [first, ...others] = reading.faults.map(describeFault)
  const more = others.length === 0 ? '' : ` and ${others.length} more`
  return fail('flag file', `${path}: ${first}${more}`, 'mend it')
}
