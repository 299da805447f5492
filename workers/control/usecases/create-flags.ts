import { and, eq, inArray, sql } from 'drizzle-orm'
import type { AppliedFlagState } from '@halyard/shared/checks/applied-state.ts'
import { nothingSpent } from '@halyard/shared/checks/condition-errors.ts'
import { definitionErrors } from '@halyard/shared/checks/definition-errors.ts'
import { firstState } from '@halyard/shared/checks/first-state.ts'
import { flagReferences } from '@halyard/shared/checks/references.ts'
import { ruleErrors, stateErrors } from '@halyard/shared/checks/state-errors.ts'
import { nothingCompiled } from '@halyard/shared/checks/value-schema-form.ts'
import { pointerOf, type WrongField } from '@halyard/shared/checks/wrong-field.ts'
import type { Variant } from '@halyard/shared/engine/model.ts'
import type { Flag, ParsedFlagCreate } from '@halyard/shared/contract/flag.ts'
import type { Warning } from '@halyard/shared/contract/written.ts'
import { makeId, makeSeed } from '@halyard/shared/protocol/ids.ts'
import type { Actor, Deps } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import { insertVariants } from '../store/insert-variants.ts'
import { flags, flagStates } from '../store/schema.ts'
import { selectEnvironments, type FlagRow } from '../store/select.ts'
import { commitChange, type Change, type EnvironmentRow, type Versions, type Written } from './change.ts'
import { refuseBrokenReferences } from './check-references.ts'
import { definitionOf, patchState, refuseErrors, variantsOrDefault } from './flag-rules.ts'
import { firstWarnings, flagWarnings } from './flag-warnings.ts'
import { findProject, namedEnvironment } from './find.ts'
import { etagOf } from './precondition.ts'
import { historyOf, toRecord } from './records.ts'
import { refuseOversize, refuseTooMany } from './sizes.ts'
import { toFlag, toFlagInEnvironment } from './views.ts'

interface CreateFlags {
  readonly project: string
  readonly flags: readonly ParsedFlagCreate[]
  readonly comment?: string | undefined
}

interface NewFlag {
  readonly row: FlagRow
  /** The first state by environment id. */
  readonly states: ReadonlyMap<string, AppliedFlagState>
}

/** Creates one flag in every environment of a project. */
export async function createFlag(deps: Deps, actor: Actor, project: string, flag: ParsedFlagCreate) {
  return commitChange(deps, actor, async (change) => {
    const { made, versions, warnings } = await insertFlags(
      change,
      { project, flags: [flag], comment: flag.comment },
      '',
    )
    const row = made[0]?.row
    if (!row) throw new Error('one flag in, one flag out')
    return { result: { ...toFlag(row), versions, warnings }, etag: etagOf(row.revision) }
  })
}

/** The short form: creates a flag and shows it with its state in one environment. */
export async function createFlagIn(
  deps: Deps,
  actor: Actor,
  at: { project: string; environment: string },
  flag: ParsedFlagCreate,
) {
  return commitChange(deps, actor, async (change) => {
    const { made, versions, warnings, rows } = await insertFlags(
      change,
      { project: at.project, flags: [flag], comment: flag.comment },
      '',
    )
    const environment = rows.find((row) => row.key === at.environment)
    const state = environment && made[0]?.states.get(environment.id)
    if (!made[0] || !environment || !state)
      throw new Error('the environment of the token belongs to its project')
    const { row } = made[0]
    const view = {
      ...row,
      environmentId: environment.id,
      flagId: row.id,
      state,
      stateRevision: 1,
      stateUpdatedAt: change.now,
      environment: environment.key,
    }
    return { result: { ...toFlagInEnvironment(view), versions, warnings }, etag: etagOf(row.revision, 1) }
  })
}

/** Creates many flags in one change: all of them, or none. */
export async function importFlags(
  deps: Deps,
  actor: Actor,
  command: CreateFlags,
): Promise<Written<{ flags: Flag[]; versions: Versions; warnings: readonly Warning[] }>> {
  return commitChange(deps, actor, async (change) => {
    const { made, versions, warnings } = await insertFlags(change, command, '/flags')
    return { result: { flags: made.map(({ row }) => toFlag(row)), versions, warnings } }
  })
}

async function insertFlags(change: Change, command: CreateFlags, at: string) {
  const { tx, actor } = change
  const project = await findProject(tx, actor.orgId, command.project)
  const rows = await selectEnvironments(tx, actor.orgId, project.id)
  await refuseTakenKeys(change, project.id, command.flags)
  await refuseTooMany(tx, 'flags', project, command.flags.length)
  const made = makeFlags(change, { projectId: project.id, environments: rows, flags: command.flags, at })
  await insertRows(change, made)
  await checkReferences(change, { projectId: project.id, environments: rows, made, at })
  await refuseOversize(tx, actor.orgId, rows)
  const versions = await change.raise(rows, (environment) =>
    made.map(({ row, states }) => {
      const state = states.get(environment.id)
      if (!state) throw new Error('every flag has a state in every environment')
      return historyOf('flag', row.id, toRecord(row, state))
    }),
  )
  for (const [index, { row, states }] of made.entries()) {
    const after = { ...toFlag(row), states: Object.fromEntries(rows.map((e) => [e.key, states.get(e.id)])) }
    await change.audit({
      action: 'flag.create',
      resource: `flag/${row.key}`,
      project: project.key,
      versions,
      before: null,
      after,
      comment: command.flags[index]?.comment ?? command.comment,
    })
  }
  return { made, versions, rows, warnings: warningsOf(change, { environments: rows, made, at }) }
}

interface Made {
  readonly environments: readonly EnvironmentRow[]
  readonly made: readonly NewFlag[]
  readonly at: string
}

/** A new flag can break nothing of others, and in environments that the request does not name it refers to nothing. */
async function checkReferences(
  change: Change,
  { projectId, environments, made, at }: Made & { projectId: string },
) {
  await refuseBrokenReferences(change, {
    projectId,
    environments: environments.filter((environment) => made.some((flag) => refersIn(flag, environment))),
    changed: made.map(({ row }) => ({ kind: 'flag', key: row.key })),
    own: ({ node, code = 'invalid_value', pointer, detail }, environment) => {
      const index = made.findIndex(({ row }) => row.key === node.key)
      return { code, pointer: `${statePointer(at, index, environment)}${pointer}`, detail }
    },
    lost: '',
  })
}

function refersIn({ states }: NewFlag, { id }: EnvironmentRow): boolean {
  const state = states.get(id)
  return state !== undefined && flagReferences(state).length > 0
}

function warningsOf({ now }: Change, { environments, made, at }: Made): readonly Warning[] {
  const all = made.flatMap(({ states }, index) =>
    environments.flatMap((environment) => {
      const state = states.get(environment.id)
      const warnings = state ? flagWarnings(null, state, now.getTime()) : []
      const where = statePointer(at, index, environment)
      return warnings.map((warning) => ({ ...warning, pointer: `${where}${warning.pointer}` }))
    }),
  )
  return firstWarnings(all)
}

/** Where a request for one flag, or for many under `at`, holds the state of an environment. */
function statePointer(at: string, index: number, { key }: EnvironmentRow): string {
  return `${at && `${at}/${index}`}${pointerOf(['environments', key])}`
}

async function refuseTakenKeys(
  { tx, actor }: Change,
  projectId: string,
  wanted: readonly ParsedFlagCreate[],
) {
  const folded = wanted.map((flag) => flag.key.toLowerCase())
  const twice = wanted.find((flag, i) => folded.indexOf(flag.key.toLowerCase()) !== i)
  if (twice)
    throw new ProblemError('flag_exists', {
      detail: `"${twice.key}" stands twice in this request; keys differ not only by case`,
    })
  const ofProject = and(eq(flags.orgId, actor.orgId), eq(flags.projectId, projectId))
  const taken = await tx
    .select({ key: flags.key })
    .from(flags)
    .where(and(ofProject, inArray(sql`lower(${flags.key})`, folded)))
  if (taken.length > 0) {
    const names = taken.map(({ key }) => `"${key}"`).join(', ')
    throw new ProblemError('flag_exists', {
      detail: `exists already, perhaps archived or written in another case: ${names}`,
    })
  }
}

interface MakeFlags {
  readonly projectId: string
  readonly environments: readonly EnvironmentRow[]
  readonly flags: readonly ParsedFlagCreate[]
  readonly at: string
}

function makeFlags(change: Change, { projectId, environments, flags: wanted, at }: MakeFlags): NewFlag[] {
  const errors: WrongField[] = []
  const spent = new Map(environments.map(({ id }) => [id, nothingSpent()]))
  const schemas = nothingCompiled()
  const made = wanted.map((flag, index) => {
    const pointer = at && `${at}/${index}`
    const row = newRow(change, { projectId, flag, variants: variantsOrDefault(flag, pointer) })
    errors.push(...definitionErrors(row, pointer, schemas))
    const states = new Map(environments.map(({ id }) => [id, firstState(row.variants)]))
    for (const [name, patch] of Object.entries(flag.environments ?? {})) {
      const where = `${pointer}${pointerOf(['environments', name])}`
      const environment = namedEnvironment(change, environments, name)
      if (typeof environment === 'string') errors.push({ pointer: where, detail: environment })
      else {
        const state = patchState(firstState(row.variants), patch)
        const ownSpent = spent.get(environment.id) ?? nothingSpent()
        errors.push(...stateErrors(state, row, where), ...ruleErrors(state, where, ownSpent))
        states.set(environment.id, state)
      }
    }
    return { row, states }
  })
  refuseErrors(errors)
  return made
}

interface NewRow {
  readonly projectId: string
  readonly flag: ParsedFlagCreate
  readonly variants: Variant[]
}

function newRow({ actor, now }: Change, { projectId, flag, variants: given }: NewRow): FlagRow {
  const { key, valueType, seed = makeSeed(), environments: _states, comment: _comment, ...definition } = flag
  return {
    orgId: actor.orgId,
    id: makeId('flg', now.getTime()),
    projectId,
    key,
    valueType,
    name: key,
    description: '',
    tags: [],
    owner: '',
    kind: 'release',
    temporary: false,
    expiresAt: null,
    expiryVariant: null,
    valueSchema: null,
    clientVisible: false,
    seed,
    revision: 1,
    archivedAt: null,
    createdAt: now,
    updatedAt: now,
    ...definitionOf(definition),
    variants: given,
  }
}

async function insertRows({ tx, actor, now }: Change, made: readonly NewFlag[]) {
  const { orgId } = actor
  await tx.insert(flags).values(made.map(({ row }) => row))
  await insertVariants(
    tx,
    made.map(({ row }) => row),
  )
  const states = made.flatMap(({ row, states }) =>
    [...states].map(([environmentId, state]) => ({
      orgId,
      environmentId,
      flagId: row.id,
      state,
      updatedAt: now,
    })),
  )
  for (let start = 0; start < states.length; start += 1_000)
    await tx.insert(flagStates).values(states.slice(start, start + 1_000))
}
