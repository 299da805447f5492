import { and, eq } from 'drizzle-orm'
import type { AppliedFlagState } from '@halyard/shared/checks/applied-state.ts'
import { nothingSpent } from '@halyard/shared/checks/condition-errors.ts'
import { definitionErrors } from '@halyard/shared/checks/definition-errors.ts'
import { flagReferences } from '@halyard/shared/checks/references.ts'
import { ruleErrors, stateErrors, variantErrors } from '@halyard/shared/checks/state-errors.ts'
import type { WrongField } from '@halyard/shared/checks/wrong-field.ts'
import type { projects } from '../store/schema.ts'
import { canonicalJson } from '../canonical-json.ts'
import type { FlagRecord } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import { insertVariants } from '../store/insert-variants.ts'
import { flags, flagStates, variants } from '../store/schema.ts'
import { selectEnvironments, selectStates, type FlagRow, type StateRow } from '../store/select.ts'
import { versionsOf, type Change, type EnvironmentRow, type Versions } from './change.ts'
import { findFlag, findProject, found } from './find.ts'
import type { Warning } from '@halyard/shared/contract/written.ts'
import { refuseBrokenReferences, refuseInUse } from './check-references.ts'
import { refuseErrors } from './flag-rules.ts'
import { firstWarnings, flagWarnings } from './flag-warnings.ts'
import { historyOf, toRecord } from './records.ts'
import { mayGrow, refuseOversize } from './sizes.ts'
import { toFlag } from './views.ts'

/** A flag with all that a change of it may touch. */
export interface OpenFlag {
  readonly project: typeof projects.$inferSelect
  readonly flag: FlagRow
  readonly environments: readonly EnvironmentRow[]
  /** By environment id. */
  readonly states: ReadonlyMap<string, StateRow>
}

interface Revision {
  readonly action: string
  readonly flag?: Partial<FlagRow>
  /** New states by environment id. */
  readonly states?: ReadonlyMap<string, AppliedFlagState>
  /** Where the request holds the state of an environment; the request is that state if left out. */
  readonly where?: (environment: EnvironmentRow) => string
  readonly comment?: string | undefined
}

/** A flag after its revision, and what the answer says of it. */
export interface RevisedFlag {
  readonly after: OpenFlag
  readonly versions: Versions
  readonly warnings: readonly Warning[]
}

/** Reads a flag of a project for a change. */
export async function openFlag(
  { tx, actor }: Change,
  at: { project: string; key: string },
): Promise<OpenFlag> {
  const project = await findProject(tx, actor.orgId, at.project)
  const flag = await findFlag(tx, actor.orgId, at)
  const environments = await selectEnvironments(tx, actor.orgId, project.id)
  const states = await selectStates(tx, actor.orgId, flag.id)
  return { project, flag, environments, states: new Map(states.map((row) => [row.environmentId, row])) }
}

/** The environment that a change names, with the flag's state there. */
export function stateAt(
  { environments, states }: OpenFlag,
  keyOrId: string,
): { environment: EnvironmentRow; state: StateRow } {
  const environment = found(
    environments.find((row) => row.key === keyOrId || row.id === keyOrId),
    'environment_not_found',
  )
  return { environment, state: stateIn(states, environment.id) }
}

/** Archived flags are kept as they are. */
export function refuseArchived({ flag }: OpenFlag): void {
  if (flag.archivedAt)
    throw new ProblemError('flag_archived', { detail: `restore "${flag.key}" before changing it` })
}

/**
 * Writes a new definition, a new state, or both, as one change: raises exactly the environments whose readers see a
 * difference, and audits what differs. A revision that changes nothing writes nothing.
 */
export async function reviseFlag(change: Change, before: OpenFlag, revision: Revision): Promise<RevisedFlag> {
  const after = apply(change, before, revision)
  const isRedefined = after.flag !== before.flag
  const own = ownOf(before, revision)
  const restated = own.filter(({ id }) => after.states.get(id) !== before.states.get(id))
  // A state concerns its own environment, a definition all of them.
  const concerned: readonly EnvironmentRow[] = isRedefined || own.length === 0 ? before.environments : own
  const warnings = firstWarnings(own.flatMap((one) => warningsIn(before, after, { ...one, now: change.now })))
  if (!isRedefined && restated.length === 0) return { after, versions: versionsOf(concerned), warnings }

  refuseErrors([
    ...(isRedefined ? redefinitionErrors(after, own) : []),
    ...own.flatMap((one) => ownErrors(before, after, one)),
  ])
  if (isRedefined) await writeDefinition(change, before.flag, after.flag)
  for (const { id } of restated) await writeState(change, stateIn(after.states, id)) // oxlint-disable-line no-await-in-loop -- one connection
  await checkReferences(change, { before, after, own })
  const raised = before.environments.filter(({ id }) => !isEqual(recordIn(before, id), recordIn(after, id)))
  const grown = raised.filter(({ id }) => mayGrow(recordIn(before, id), recordIn(after, id)))
  if (grown.length > 0) await refuseOversize(change.tx, change.actor.orgId, grown)
  const raisedVersions = await change.raise(raised, ({ id }) => [
    historyOf('flag', after.flag.id, recordIn(after, id)),
  ])
  const versions = { ...versionsOf(concerned), ...raisedVersions }
  const shown = ({ flag, states }: OpenFlag) => ({
    ...(isRedefined && toFlag(flag)),
    ...statesShown(states, restated, revision),
  })
  const [only] = revision.where ? [] : restated
  await change.audit({
    action: revision.action,
    resource: `flag/${before.flag.key}`,
    project: before.project.key,
    ...(only && { environment: only.key }),
    versions,
    before: shown(before),
    after: shown(after),
    comment: revision.comment,
  })
  return { after, versions, warnings }
}

/** An environment whose state a change gives, and where the request holds it. */
type Own = EnvironmentRow & { readonly where: string }

function ownOf({ environments }: OpenFlag, { states, where }: Revision): Own[] {
  return environments
    .filter(({ id }) => states?.has(id))
    .map((row) => ({ ...row, where: where?.(row) ?? '' }))
}

/** For the audit: the one state, or those of a request that names environments. */
function statesShown(states: OpenFlag['states'], restated: readonly Own[], { where }: Revision) {
  const [first] = restated
  if (!first) return {}
  if (!where) return { state: stateIn(states, first.id).state }
  return { states: Object.fromEntries(restated.map(({ id, key }) => [key, stateIn(states, id).state])) }
}

function apply(
  { now }: Change,
  before: OpenFlag,
  { flag: patch, states: given = new Map() }: Revision,
): OpenFlag {
  const patched = { ...before.flag, ...patch }
  const flag = isEqual(patched, before.flag)
    ? before.flag
    : { ...patched, revision: patched.revision + 1, updatedAt: now }
  const states = new Map(before.states)
  for (const [id, state] of given) {
    const row = stateIn(before.states, id)
    if (!isEqual(state, row.state))
      states.set(id, { ...row, state, stateRevision: row.stateRevision + 1, stateUpdatedAt: now })
  }
  return { ...before, flag, states }
}

/** What a new definition breaks of its own, and of the states in other environments than the change is about. */
function redefinitionErrors({ flag, environments, states }: OpenFlag, own: readonly Own[]): WrongField[] {
  const others = environments.filter(({ id }) => !own.some((one) => one.id === id))
  const lost = others.flatMap(({ id, key }) =>
    variantErrors(stateIn(states, id).state, flag, '').map(({ pointer, detail }) => ({
      pointer: '/variants',
      detail: `${key} uses it at ${pointer}: ${detail}`,
    })),
  )
  return [...definitionErrors(flag, ''), ...lost]
}

/** Rules that stay as they are were checked when they came: no kill switch waits for their patterns. */
function ownErrors(before: OpenFlag, after: OpenFlag, { id, where }: Own): WrongField[] {
  const [old, { state }] = [stateIn(before.states, id), stateIn(after.states, id)]
  const isRuled = !isEqual(old.state.rules, state.rules)
  return [
    ...stateErrors(state, after.flag, where),
    ...(isRuled ? ruleErrors(state, where, nothingSpent()) : []),
  ]
}

/** Only what refers, or is referred to, can break: other changes are not slowed down. */
async function checkReferences(
  change: Change,
  { before, after, own }: { before: OpenFlag; after: OpenFlag; own: readonly Own[] },
) {
  const { project, flag, environments } = after
  const target = { kind: 'flag', key: flag.key } as const
  const isArchived = flag.archivedAt !== null
  const wasArchived = before.flag.archivedAt !== null
  if (isArchived && !wasArchived) await refuseInUse(change, { projectId: project.id, environments, target })
  if (isArchived) return
  const isElsewhere = wasArchived || !isEqual(variantKeys(before.flag), variantKeys(flag))
  const referencesIn = ({ states }: OpenFlag, id: string) => flagReferences(stateIn(states, id).state)
  const concerned = environments.filter(
    ({ id }) =>
      isElsewhere ||
      (whereOf(own, id) !== undefined && !isEqual(referencesIn(before, id), referencesIn(after, id))),
  )
  await refuseBrokenReferences(change, {
    projectId: project.id,
    environments: concerned,
    changed: [target],
    own: ({ code = 'invalid_value', pointer, detail }, { id, key }) => {
      const where = whereOf(own, id)
      return where === undefined
        ? { code, pointer: '', detail: `${key} has at ${pointer}: ${detail}` }
        : { code, pointer: `${where}${pointer}`, detail }
    },
    lost: '/variants',
  })
}

function whereOf(own: readonly Own[], environmentId: string): string | undefined {
  return own.find(({ id }) => id === environmentId)?.where
}

function variantKeys({ variants: list }: FlagRow): string[] {
  return list.map(({ key }) => key)
}

function warningsIn(before: OpenFlag, after: OpenFlag, { id, where, now }: Own & { now: Date }) {
  const [old, next] = [stateIn(before.states, id), stateIn(after.states, id)]
  const warnings = flagWarnings(old.state, next.state, now.getTime())
  return warnings.map((warning) => ({ ...warning, pointer: `${where}${warning.pointer}` }))
}

async function writeDefinition({ tx, actor }: Change, before: FlagRow, after: FlagRow) {
  const { variants: list, ...row } = after
  await tx
    .update(flags)
    .set(row)
    .where(and(eq(flags.orgId, actor.orgId), eq(flags.id, row.id)))
  if (isEqual(list, before.variants)) return
  await tx.delete(variants).where(and(eq(variants.orgId, actor.orgId), eq(variants.flagId, row.id)))
  await insertVariants(tx, [after])
}

async function writeState(
  { tx, actor }: Change,
  { flagId, environmentId, state, stateRevision, stateUpdatedAt }: StateRow,
) {
  await tx
    .update(flagStates)
    .set({ state, revision: stateRevision, updatedAt: stateUpdatedAt })
    .where(
      and(
        eq(flagStates.orgId, actor.orgId),
        eq(flagStates.flagId, flagId),
        eq(flagStates.environmentId, environmentId),
      ),
    )
}

function recordIn({ flag, states }: OpenFlag, environmentId: string): FlagRecord {
  return toRecord(flag, stateIn(states, environmentId).state)
}

function stateIn(states: ReadonlyMap<string, StateRow>, environmentId: string): StateRow {
  const state = states.get(environmentId)
  if (!state) throw new Error('every flag has a state in every environment')
  return state
}

function isEqual(a: object, b: object): boolean {
  return canonicalJson(a as never) === canonicalJson(b as never) // rows and records serialise as JSON
}
