import { existsSync } from 'node:fs'
import { pathOf } from '../arguments.ts'
import { CommandError, exitCodes, usageError } from '../command-error.ts'
import { formatFlagFile } from '../files/format-file.ts'
import { formatNamed } from '../files/read-flag-file.ts'
import { fileOfImport } from '../importers/file-of-import.ts'
import type { PlannedFlag, ReadyFlag } from '../importers/importer.ts'
import { readDocument } from '../importers/read-document.ts'
import { systems } from '../importers/systems.ts'
import { printJson, printLine, printTable } from '../output.ts'
import type { Settings } from '../settings.ts'
import { writeTextAt } from '../write-text.ts'

export interface ImportOptions extends Readonly<Record<string, unknown>> {
  readonly out?: string
  readonly serverOnly?: boolean
}

/** `import SYSTEM`: shows what would come of a file; with `--out`, writes it as a file of flags, all of it or nothing. */
export async function importFile(
  name: string,
  file: string,
  { options, settings }: { readonly options: ImportOptions; readonly settings: Settings },
): Promise<void> {
  if (settings.environments.length > 0)
    throw usageError('an import holds in every environment: give --env to `halyard apply`')
  const system = systems.find((one) => one.name === name)
  if (!system) throw usageError(`there is no importer of ${name}`)
  const { out } = options
  const target = out === undefined ? null : targetOf(out)
  const importer = await system.load((option) => options[option] === true)
  const read = importer.read(readDocument(file)).map(refuseTwin)
  const planned = options.serverOnly === true ? read.map(hidden) : read
  const refused = planned.filter(({ kind }) => kind === 'refused').length
  const isWritten = target !== null && refused === 0
  if (isWritten) writeTextAt(target.out, formatFlagFile(fileOfImport(planned), target.format))
  if (settings.isJson) printJson({ out: isWritten ? out : null, flags: planned.map(toJson) })
  else printFlags(planned)
  if (refused > 0)
    throw new CommandError(
      exitCodes.refused,
      `${count(refused)} refused, so nothing ${target ? 'was' : 'would be'} written`,
    )
  if (!settings.isJson) printLine(summary(planned, out))
}

/** A file that is there may hold work of people. */
function targetOf(out: string) {
  const format = formatNamed(out)
  if (existsSync(pathOf(out))) throw usageError(`${out} is there already`, 'give another name, or remove it')
  return { out, format }
}

/** Keys are unique without regard to case, but readers ask for them in theirs. */
function refuseTwin(flag: PlannedFlag, index: number, all: readonly PlannedFlag[]): PlannedFlag {
  const folded = flag.key.toLowerCase()
  const twin = all.slice(0, index).find(({ key }) => key.toLowerCase() === folded)
  if (!twin) return flag
  const reason = `its key differs only by case from "${twin.key}"`
  return {
    kind: 'refused',
    key: flag.key,
    reasons: [...(flag.kind === 'refused' ? flag.reasons : []), reason],
  }
}

function hidden(flag: PlannedFlag): PlannedFlag {
  return flag.kind === 'refused' ? flag : { ...flag, flag: { ...flag.flag, clientVisible: false } }
}

function toJson(planned: PlannedFlag) {
  const { key } = planned
  if (planned.kind === 'refused') return { key, action: 'refuse', reasons: planned.reasons }
  return { key, action: 'create', valueType: planned.flag.valueType, notes: planned.notes }
}

function printFlags(planned: readonly PlannedFlag[]): void {
  const rows = planned.map((one) => {
    if (one.kind === 'refused')
      return [one.key, { text: 'refused', style: 'red' as const }, one.reasons.join('; ')]
    const { flag, state, notes } = one
    const text = `${flag.valueType}, ${state.enabled ? 'on' : 'off'}, ${rulesOf(one)}`
    return [one.key, { text: 'create', style: 'green' as const }, [text, ...notes].join('; ')]
  })
  printTable(['FLAG', 'PLAN', 'IN every environment'], rows)
}

function rulesOf({ state: { rules = [] } }: ReadyFlag): string {
  return rules.length === 0 ? 'no rules' : `${rules.length} rule${rules.length === 1 ? '' : 's'}`
}

function summary(planned: readonly PlannedFlag[], out: string | undefined): string {
  if (planned.length === 0 && out === undefined) return 'there is nothing to bring in'
  const shown = planned.filter((one) => one.kind === 'ready' && one.flag.clientVisible).length
  const seen =
    shown === 0
      ? 'hidden from client keys'
      : `${shown === planned.length ? '' : `${shown} `}visible to client keys (--server-only hides them)`
  if (out === undefined) return `would write ${count(planned.length)}, ${seen}; do it with --out FILE`
  return `${out}: ${count(planned.length)}, ${seen}; make them with \`halyard apply ${out}\``
}

function count(flags: number): string {
  return flags === 1 ? '1 flag' : `${flags} flags`
}
