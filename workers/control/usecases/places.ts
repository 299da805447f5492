/** Projects and environments: the places that flags live in. */
import { and, count, eq } from 'drizzle-orm'
import type * as z from 'zod'
import { firstState } from '@halyard/shared/checks/first-state.ts'
import { emptySegment } from '@halyard/shared/checks/segment-rules.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import type {
  EnvironmentCreate,
  EnvironmentPatch,
  ProjectCreate,
  ProjectPatch,
} from '@halyard/shared/contract/resources.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import type { Actor, Deps, HistoryRow } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import { databaseFault } from '../store/database.ts'
import { environments, flagStates, projects } from '../store/schema.ts'
import { segmentStates } from '../store/segment-schema.ts'
import { selectLayers, selectSegments } from '../store/select-segments.ts'
import { selectEnvironments, selectFlags } from '../store/select.ts'
import { commitChange, versionsOf, type Change, type EnvironmentRow } from './change.ts'
import { findEnvironment, findProject } from './find.ts'
import { checkIfMatch, etagOf } from './precondition.ts'
import { readEnvironment } from './read-environment.ts'
import { refuseOversize } from './sizes.ts'
import { historyOf, toLayerRecord, toRecord, toSegmentRecord } from './records.ts'
import { recordEnvironment, toProject } from './views.ts'

const usualEnvironments = [
  { key: 'development', name: 'Development' },
  { key: 'staging', name: 'Staging' },
  { key: 'production', name: 'Production', protected: true },
]

/** Creates a project and its environments, each at its first version. */
export async function createProject(deps: Deps, actor: Actor, command: z.infer<typeof ProjectCreate>) {
  return commitChange(deps, actor, async (change) => {
    const { tx, now } = change
    const { orgId } = actor
    const [present] = await tx.select({ n: count() }).from(projects).where(eq(projects.orgId, orgId))
    refuseOver(present?.n ?? 0, limits.projectsPerOrganization, 'projects in an organization')
    const values = {
      orgId,
      id: makeId('prj', now.getTime()),
      key: command.key,
      name: command.name ?? command.key,
      createdAt: now,
    }
    const project = await insertOnce(
      () => tx.insert(projects).values(values).returning(),
      `project "${command.key}"`,
    )
    const rows: EnvironmentRow[] = []
    for (const wanted of command.environments ?? usualEnvironments)
      rows.push(await insertEnvironment(change, project.id, wanted))
    const versions = await change.raise(rows, () => [])
    const after = { ...toProject(project), environments: rows.map((row) => row.key) }
    await change.audit({
      action: 'project.create',
      resource: `project/${project.key}`,
      project: project.key,
      versions,
      before: null,
      after,
      comment: command.comment,
    })
    return { result: { ...toProject(project), versions, warnings: [] }, etag: etagOf(project.revision) }
  })
}

interface Conditional {
  readonly ifMatch?: string | undefined
}

/** Renames a project. */
export async function updateProject(
  deps: Deps,
  actor: Actor,
  command: Conditional & { project: string; patch: z.infer<typeof ProjectPatch> },
) {
  return commitChange(deps, actor, async (change) => {
    const before = await findProject(change.tx, actor.orgId, command.project)
    checkIfMatch(command.ifMatch, etagOf(before.revision), toProject(before))
    const versions = versionsOf(await selectEnvironments(change.tx, actor.orgId, before.id))
    const { name = before.name, comment } = command.patch
    if (name === before.name)
      return { result: { ...toProject(before), versions, warnings: [] }, etag: etagOf(before.revision) }
    const after = { ...before, name, revision: before.revision + 1 }
    await change.tx
      .update(projects)
      .set(after)
      .where(and(eq(projects.orgId, actor.orgId), eq(projects.id, before.id)))
    await change.audit({
      action: 'project.update',
      resource: `project/${before.key}`,
      project: before.key,
      versions,
      before: toProject(before),
      after: toProject(after),
      comment,
    })
    return { result: { ...toProject(after), versions, warnings: [] }, etag: etagOf(after.revision) }
  })
}

/** Creates an environment, in which every flag of the project starts switched off. */
export async function createEnvironment(
  deps: Deps,
  actor: Actor,
  command: { project: string; environment: z.infer<typeof EnvironmentCreate> },
) {
  return commitChange(deps, actor, async (change) => {
    const { tx, now } = change
    const project = await findProject(tx, actor.orgId, command.project)
    const present = await selectEnvironments(tx, actor.orgId, project.id)
    refuseOver(present.length, limits.environmentsPerProject, 'environments in a project')
    const row = await insertEnvironment(change, project.id, command.environment)
    const flags = (await selectFlags(tx, actor.orgId, project.id)).map((flag) => ({
      flag,
      state: firstState(flag.variants),
    }))
    const states = flags.map(({ flag, state }) => ({
      orgId: actor.orgId,
      environmentId: row.id,
      flagId: flag.id,
      state,
      updatedAt: now,
    }))
    for (let start = 0; start < states.length; start += 1_000)
      await tx.insert(flagStates).values(states.slice(start, start + 1_000))
    const others = await insertOthers(change, project.id, row.id)
    await refuseOversize(tx, actor.orgId, [row])
    const versions = await change.raise([row], () => [
      ...flags.map(({ flag, state }) => historyOf('flag', flag.id, toRecord(flag, state))),
      ...others,
    ])
    const after = recordEnvironment({ ...row, version: 1 })
    await change.audit({
      action: 'environment.create',
      resource: `environment/${row.key}`,
      project: project.key,
      environment: row.key,
      versions,
      before: null,
      after,
      comment: command.environment.comment,
    })
    const { view, revision } = await readEnvironment(tx, actor.orgId, row.id)
    return { result: { ...view, versions, warnings: [] }, etag: etagOf(revision) }
  })
}

/** Renames or protects an environment. */
export async function updateEnvironment(
  deps: Deps,
  actor: Actor,
  command: Conditional & { project: string; environment: string; patch: z.infer<typeof EnvironmentPatch> },
) {
  return commitChange(deps, actor, async (change) => {
    const project = await findProject(change.tx, actor.orgId, command.project)
    const before = await findEnvironment(change.tx, actor.orgId, command)
    const { view } = await readEnvironment(change.tx, actor.orgId, before.id)
    checkIfMatch(command.ifMatch, etagOf(before.revision), view)
    const versions = versionsOf([before])
    const { name = before.name, protected: isProtected = before.protected, comment } = command.patch
    const isSame = name === before.name && isProtected === before.protected
    if (isSame) return { result: { ...view, versions, warnings: [] }, etag: etagOf(before.revision) }
    const after = { ...before, name, protected: isProtected, revision: before.revision + 1 }
    const { revision } = after
    await change.tx
      .update(environments)
      .set({ name, protected: isProtected, revision })
      .where(and(eq(environments.orgId, actor.orgId), eq(environments.id, before.id)))
    await change.audit({
      action: 'environment.update',
      resource: `environment/${before.key}`,
      project: project.key,
      environment: before.key,
      versions,
      before: recordEnvironment(before),
      after: recordEnvironment(after),
      comment,
    })
    return {
      result: { ...view, name, protected: isProtected, versions, warnings: [] },
      etag: etagOf(revision),
    }
  })
}

/** A new environment has every segment of its project, without members, and every layer. */
async function insertOthers(
  { tx, actor, now }: Change,
  projectId: string,
  environmentId: string,
): Promise<HistoryRow[]> {
  const { orgId } = actor
  const segments = await selectSegments(tx, orgId, projectId)
  const states = segments.map(({ id }) => ({
    orgId,
    environmentId,
    segmentId: id,
    state: emptySegment,
    updatedAt: now,
  }))
  for (let start = 0; start < states.length; start += 1_000)
    await tx.insert(segmentStates).values(states.slice(start, start + 1_000)) // oxlint-disable-line no-await-in-loop -- one connection
  const layers = await selectLayers(tx, orgId, projectId)
  return [
    ...segments.map((segment) => historyOf('segment', segment.id, toSegmentRecord(segment, emptySegment))),
    ...layers.map((layer) => historyOf('layer', layer.id, toLayerRecord(layer))),
  ]
}

async function insertEnvironment(
  { tx, actor, now }: Change,
  projectId: string,
  wanted: { key: string; name?: string | undefined; protected?: boolean | undefined },
) {
  const values = {
    orgId: actor.orgId,
    id: makeId('env', now.getTime()),
    projectId,
    key: wanted.key,
    name: wanted.name ?? wanted.key,
    protected: wanted.protected ?? false,
    createdAt: now,
  }
  return insertOnce(() => tx.insert(environments).values(values).returning(), `environment "${wanted.key}"`)
}

/** Inserts one row; a taken key is a conflict that names it. */
async function insertOnce<Row>(insert: () => Promise<Row[]>, what: string): Promise<Row> {
  try {
    const [row] = await insert()
    if (!row) throw new Error('an insert that returns gives its row')
    return row
  } catch (error) {
    if (databaseFault(error)?.code === '23505')
      throw new ProblemError('conflict', { detail: `${what} exists already` })
    throw error
  }
}

function refuseOver(present: number, max: number, what: string): void {
  if (present >= max) throw new ProblemError('limit_reached', { detail: `at most ${max} ${what}` })
}
