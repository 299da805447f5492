import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Flag, FlagCreate } from '@halyard/shared/contract/flag.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { ApiClient } from '../api-client.ts'
import { CommandError, exitCodes, usageError } from '../command-error.ts'
import { makeFlagdImporter } from '../importers/flagd.ts'
import type { Importer, PlannedFlag, ReadyFlag } from '../importers/importer.ts'
import { paint, printJson, printLine, printTable, printWarnings, visible } from '../output.ts'
import type { Settings } from '../settings.ts'
import { clientOf, projectOf } from './flags.ts'

export interface ImportOptions {
  readonly apply?: boolean
  readonly typed?: boolean
  readonly rebucket?: boolean
  readonly serverOnly?: boolean
}

type Place = ReturnType<typeof projectOf>

type Step =
  | { readonly action: 'create'; readonly key: string; readonly planned: ReadyFlag }
  | { readonly action: 'exists'; readonly key: string; readonly isArchived: boolean }
  | { readonly action: 'refuse'; readonly key: string; readonly reasons: readonly string[] }

/** `import flagd`: shows what would come of a file; with `--apply`, does all of it or nothing. */
export async function importFlagd(file: string, options: ImportOptions, settings: Settings): Promise<void> {
  const { apply = false, typed = false, rebucket = false, serverOnly = false } = options
  const planned = readPlan(makeFlagdImporter({ isTyped: typed, mayRebucket: rebucket }), file)
  const client = clientOf(settings)
  const place = projectOf(settings)
  const [existing, environments] = await Promise.all([
    readFlags(client, place),
    chooseEnvironments(client, place, settings.environments),
  ])
  const steps = planSteps(planned, existing)
  const creates = steps.filter((step) => step.action === 'create')
  const refused = steps.filter((step) => step.action === 'refuse')
  if (creates.length > limits.importFlags)
    throw new CommandError(
      exitCodes.refused,
      `${creates.length} flags are new, one import takes ${limits.importFlags}`,
    )
  const isDone = apply && refused.length === 0 && creates.length > 0
  const flags = creates.map(({ planned: { flag, state } }): FlagCreate => {
    const states = Object.fromEntries(environments.map((name) => [name, state]))
    return { ...flag, clientVisible: !serverOnly, environments: states }
  })
  const { versions, warnings } = isDone ? await write(client, place, flags) : { versions: {}, warnings: [] }
  if (settings.isJson)
    printJson({ applied: isDone, environments, flags: steps.map(toJson), versions, warnings })
  else printSteps(steps, environments)
  if (refused.length > 0)
    throw new CommandError(
      exitCodes.refused,
      `${count(refused.length)} refused, so nothing ${apply ? 'was' : 'would be'} written`,
    )
  if (settings.isJson) return
  printLine(summary(creates.length, { apply, serverOnly, environments }))
  printWarnings(warnings)
}

function readPlan(importer: Importer, file: string): readonly PlannedFlag[] {
  // npm runs scripts in the folder of package.json, and says here where it was called.
  const folder = process.env['npm_lifecycle_event'] === 'halyard' ? process.env['INIT_CWD'] : undefined
  let text: string
  try {
    text = readFileSync(resolve(folder ?? '.', file), 'utf8')
  } catch (error) {
    throw usageError(`${file} cannot be read`, error instanceof Error ? error.message : String(error))
  }
  return importer.read(text.replace(/^\uFEFF/, ''))
}

/** Archived ones too: their keys are taken. */
async function readFlags(client: ApiClient, params: Place): Promise<Flag[]> {
  const flags: Flag[] = []
  for (const archived of ['false', 'true'] as const) {
    for (let cursor: string | null | undefined; cursor !== null;) {
      const query = { archived, cursor, limit: limits.pageSize }
      // Each page names the next.
      // oxlint-disable-next-line no-await-in-loop
      const page = await client.call('listFlags', { params, query })
      flags.push(...page.items)
      cursor = page.nextCursor
    }
  }
  return flags
}

async function chooseEnvironments(
  client: ApiClient,
  params: Place,
  wanted: readonly string[],
): Promise<string[]> {
  const { items } = await client.call('listEnvironments', { params, query: { limit: limits.pageSize } })
  const names = items.filter((environment) => !environment.archived).map((environment) => environment.key)
  const unknown = wanted.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw usageError(`there is no environment "${unknown}"`, `there is ${names.join(', ')}`)
  return wanted.length > 0 ? [...new Set(wanted)] : names
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

async function write(client: ApiClient, params: Place, flags: FlagCreate[]) {
  try {
    const body = { flags, comment: 'imported from flagd' }
    return await client.call('importFlags', { params, body, idempotencyKey: randomUUID() })
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    // The API counts the flags of the request, which nobody has seen.
    const lines = error.lines.map((line) =>
      line.replace(/^\/flags\/(\d+)/, (whole, index: string) => flags[Number(index)]?.key ?? whole),
    )
    throw new CommandError(error.exitCode, error.message, lines)
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
  creates: number,
  {
    apply,
    serverOnly,
    environments,
  }: { apply: boolean; serverOnly: boolean; environments: readonly string[] },
): string {
  if (creates === 0) return 'nothing to create'
  const seen = serverOnly
    ? 'hidden from client keys'
    : 'visible to client keys, as in flagd (--server-only hides them)'
  if (apply)
    return paint('green', `created ${count(creates)} in ${environments.map(visible).join(', ')}, ${seen}`)
  return `would create ${count(creates)}, ${seen}; do it with --apply`
}

function count(flags: number): string {
  return flags === 1 ? '1 flag' : `${flags} flags`
}
