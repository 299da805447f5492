import type { FileFormat } from '@halyard/shared/flag-file/parse-flag-file.ts'
import type { Content } from '../files/content.ts'
import { formatFlagFile } from '../files/format-file.ts'
import { chooseEnvironments, readContent, readEnvironments } from '../files/read-content.ts'
import { formatNamed } from '../files/read-flag-file.ts'
import { toFlagFile } from '../files/to-file.ts'
import { printLine, printWarning, visible } from '../output.ts'
import { clientOf, projectOf } from '../place.ts'
import type { Settings } from '../settings.ts'
import { writeTextAt } from '../write-text.ts'

export interface ExportOptions {
  readonly format?: FileFormat
}

/** `export`: a project as a file of flags, or on stdout. */
export async function exportProject(
  file: string | undefined,
  { format }: ExportOptions,
  settings: Settings,
): Promise<void> {
  const form = format ?? (file === undefined ? (settings.isJson ? 'json' : 'yaml') : formatNamed(file))
  const client = clientOf(settings)
  const project = projectOf(settings)
  const chosen = chooseEnvironments(await readEnvironments(client, project), settings.environments)
  const content = await readContent(
    client,
    project,
    chosen.map(({ key }) => key),
  )
  const text = formatFlagFile(toFlagFile(content), form)
  if (file === undefined) process.stdout.write(text)
  else {
    writeTextAt(file, text)
    printLine(`${file}: ${counts(content)} of ${chosen.map(({ key }) => key).join(', ')}`)
  }
  for (const line of uploadedLists(content)) printWarning(line)
}

function counts({ flags, segments, layers }: Content): string {
  const live = Object.entries({ flags, segments, layers }).map(
    ([kind, things]) => [kind, [...things.values()].filter(({ archived }) => !archived).length] as const,
  )
  return live
    .filter(([kind, count]) => count > 0 || kind === 'flags')
    .map(([kind, count]) => `${count} ${count === 1 ? kind.slice(0, -1) : kind}`)
    .join(', ')
}

function uploadedLists({ segments }: Content): string[] {
  return [...segments].flatMap(([key, { archived, states }]) =>
    archived
      ? []
      : [...states].flatMap(([environment, { members }]) =>
          members
            ? [
                `segment ${visible(key)} in ${environment}: its uploaded list of ${members.count} ids is named by its hash, not exported`,
              ]
            : [],
        ),
  )
}
