import { randomUUID } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import type { Flag, FlagCreate } from '@halyard/shared/contract/flag.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { ApiClient } from '../api-client.ts'
import { pathOf } from '../arguments.ts'
import { CommandError, exitCodes, usageError } from '../command-error.ts'
import { formatFlagFile } from '../files/format-file.ts'
import { chooseEnvironments } from '../files/read-content.ts'
import { formatNamed } from '../files/read-flag-file.ts'
import { fileOfImport } from '../importers/file-of-import.ts'
import type { Importer, PlannedFlag, ReadyFlag } from '../importers/importer.ts'
import { readDocument } from '../importers/read-document.ts'
import { systems } from '../importers/systems.ts'
import { paint, printJson, printLine, printTable, printWarnings, visible } from '../output.ts'
import { readPages } from '../pages.ts'
import { clientOf, projectOf, type Project } from '../place.ts'
import type { Settings } from '../settings.ts'

export interface ImportOptions extends Readonly<Record<string, unknown>> {
  readonly apply?: boolean
  readonly out?: string
  readonly serverOnly?: boolean
}

type Step =
  | { readonly action: 'create'; readonly key: string; readonly planned: ReadyFlag }
  | { readonly action: 'exists'; readonly key: string; readonly isArchived: boolean }
  | { readonly action: 'refuse'; readonly key: string; readonly reasons: readonly string[] }

/** `import SYSTEM`: shows what would come of a file; with `--apply`, does all of it or nothing. */
export async function importFile(
  name: string,
  file: string,
  { options, settings }: { readonly options: ImportOptions; readonly settings: Settings },
): Promise<void> {
  const system = systems.find((one) => one.name === name)
  if (!system) throw usageError(`there is no importer of ${name}`)
  const importer = await system.load((option) => options[option] === true)
  const read = importer.read(readDocument(file))
  const planned = options.serverOnly === true ? read.map(hidden) : read
  if (options.out !== undefined) return writeFile(planned, options.out, settings)
  await importInto(importer, planned, { apply: options.apply === true, settings })
}

function hidden(flag: PlannedFlag): PlannedFlag {
  return flag.kind === 'refused' ? flag : { ...flag, flag: { ...flag.flag, clientVisible: false } }
}

/** For `apply`, and local mode. A file that is there may hold work of people. */
function writeFile(planned: readonly PlannedFlag[], out: string, settings: Settings): void {
  if (settings.environments.length > 0)
    throw usageError('--out writes what holds in every environment: give --env to `halyard apply`')
  const format = formatNamed(out)
  const path = pathOf(out)
  if (existsSync(path)) throw usageError(`${out} is there already`, 'give another name, or remove it')
  const steps = planSteps(planned, [])
  if (!settings.isJson) printSteps(steps, ['every environment'])
  const refused = refusedOf(steps)
  if (refused === 0) writeFileSync(path, formatFlagFile(fileOfImport(planned), format))
  if (settings.isJson) printJson({ out: refused === 0 ? out : null, flags: steps.map(toJson) })
  if (refused > 0)
    throw new CommandError(exitCodes.refused, `${count(refused)} refused, so nothing was written`)
  if (!settings.isJson) printLine(`${out}: ${count(steps.length)}`)
}

async function importInto(
  importer: Importer,
  planned: readonly PlannedFlag[],
  { apply, settings }: { readonly apply: boolean; readonly settings: Settings },
): Promise<void> {
  const client = clientOf(settings)
  const project = projectOf(settings)
  const [existing, chosen] = await Promise.all([
    readFlags(client, project),
    chooseEnvironments(client, project, settings.environments),
  ])
  const environments = chosen.map(({ key }) => key)
  const steps = planSteps(planned, existing)
  const creates = steps.filter((step) => step.action === 'create')
  const refused = refusedOf(steps)
  if (creates.length > limits.importFlags)
    throw new CommandError(
      exitCodes.refused,
      `${creates.length} flags are new, one import takes ${limits.importFlags}; write a file of flags with --out and apply that`,
    )
  const isDone = apply && refused === 0 && creates.length > 0
  const flags = creates.map(({ planned: { flag, state } }): FlagCreate => {
    return { ...flag, environments: Object.fromEntries(environments.map((name) => [name, state])) }
  })
  const body = { flags, comment: `imported from ${importer.name}` }
  const { versions, warnings } = isDone ? await write(client, project, body) : { versions: {}, warnings: [] }
  if (settings.isJson)
    printJson({ applied: isDone, environments, flags: steps.map(toJson), versions, warnings })
  else printSteps(steps, environments)
  if (refused > 0)
    throw new CommandError(
      exitCodes.refused,
      `${count(refused)} refused, so nothing ${apply ? 'was' : 'would be'} written`,
    )
  if (!settings.isJson) printLine(summary(flags, { apply, environments }))
  printWarnings(warnings)
}

function refusedOf(steps: readonly Step[]): number {
  return steps.filter(({ action }) => action === 'refuse').length
}

/** Archived ones too: their keys are taken. */
async function readFlags(client: ApiClient, params: Project): Promise<Flag[]> {
  const lists = (['false', 'true'] as const).map((archived) =>
    readPages((cursor) =>
      client.call('listFlags', { params, query: { archived, cursor, limit: limits.pageSize } }),
    ),
  )
  return (await Promise.all(lists)).flat()
}

/** Keys are unique without regard to case, but readers ask for them in theirs. */
function planSteps(planned: readonly PlannedFlag[], existing: readonly Flag[]): Step[] {
  const taken = new Map(existing.map((flag) => [flag.key.toLowerCase(), flag]))
  const seen = new Map<string, string>()
  return planned.map((flag): Step => {
    const { key } = flag
    const folded = key.toLowerCase()
    const found = taken.get(folded)
    const twin = found?.key ?? seen.get(folded)
    seen.set(folded, key)
    if (found && twin === key) return { action: 'exists', key, isArchived: found.archived }
    const reasons = flag.kind === 'refused' ? [...flag.reasons] : []
    if (twin !== undefined) reasons.push(`its key differs only by case from "${twin}"`)
    if (reasons.length > 0 || flag.kind === 'refused') return { action: 'refuse', key, reasons }
    return { action: 'create', key, planned: flag }
  })
}

async function write(client: ApiClient, params: Project, body: { flags: FlagCreate[]; comment: string }) {
  try {
    return await client.call('importFlags', { params, body, idempotencyKey: randomUUID() })
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    // The API counts the flags of the request, which nobody has seen.
    const lines = error.lines.map((line) =>
      line.replace(/^\/flags\/(\d+)/, (whole, index: string) => body.flags[Number(index)]?.key ?? whole),
    )
    throw new CommandError(error.exitCode, error.message, lines, error.code)
  }
}

function toJson(step: Step) {
  switch (step.action) {
    case 'create':
      return {
        key: step.key,
        action: step.action,
        valueType: step.planned.flag.valueType,
        notes: step.planned.notes,
      }
    case 'exists':
    case 'refuse':
      return step
  }
  return step satisfies never
}

function printSteps(steps: readonly Step[], environments: readonly string[]): void {
  const rows = steps.map((step) => {
    switch (step.action) {
      case 'create': {
        const { flag, state, notes } = step.planned
        const text = `${flag.valueType}, ${state.enabled ? 'on' : 'off'}, ${rulesOf(step.planned)}`
        return [step.key, { text: 'create', style: 'green' as const }, [text, ...notes].join('; ')]
      }
      case 'exists':
        return [
          step.key,
          { text: 'exists', style: 'dim' as const },
          step.isArchived ? 'archived, left alone' : 'left alone',
        ]
      case 'refuse':
        return [step.key, { text: 'refused', style: 'red' as const }, step.reasons.join('; ')]
    }
    return step satisfies never
  })
  printTable(['FLAG', 'PLAN', `IN ${environments.map(visible).join(', ')}`], rows)
}

function rulesOf({ state: { rules = [] } }: ReadyFlag): string {
  return rules.length === 0 ? 'no rules' : `${rules.length} rule${rules.length === 1 ? '' : 's'}`
}

function summary(
  flags: readonly FlagCreate[],
  { apply, environments }: { readonly apply: boolean; readonly environments: readonly string[] },
): string {
  if (flags.length === 0) return 'nothing to create'
  const shown = flags.filter(({ clientVisible }) => clientVisible === true).length
  const seen =
    shown === 0
      ? 'hidden from client keys'
      : `${shown === flags.length ? '' : `${shown} `}visible to client keys (--server-only hides them)`
  if (apply)
    return paint(
      'green',
      `created ${count(flags.length)} in ${environments.map(visible).join(', ')}, ${seen}`,
    )
  return `would create ${count(flags.length)}, ${seen}; do it with --apply`
}

function count(flags: number): string {
  return flags === 1 ? '1 flag' : `${flags} flags`
}
