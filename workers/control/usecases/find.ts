/** One thing by its key or id, or the problem that says it is not there. */
import { eq } from 'drizzle-orm'
import type { ProblemCode } from '@halyard/shared/contract/problems.ts'
import type { Actor } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import { flags } from '../store/schema.ts'
import { layers, segments } from '../store/segment-schema.ts'
import { selectLayers, selectSegments } from '../store/select-segments.ts'
import { selectEnvironments, selectFlags, selectProject, type Selecting } from '../store/select.ts'

export async function findProject(db: Selecting, orgId: string, keyOrId: string) {
  return found((await selectProject(db, orgId, keyOrId))[0], 'project_not_found')
}

export async function findEnvironment(
  db: Selecting,
  orgId: string,
  at: { project: string; environment: string },
) {
  await findProject(db, orgId, at.project)
  return found((await selectEnvironments(db, orgId, at.project, at.environment))[0], 'environment_not_found')
}

export async function findFlag(db: Selecting, orgId: string, at: { project: string; key: string }) {
  await findProject(db, orgId, at.project)
  return found((await selectFlags(db, orgId, at.project, eq(flags.key, at.key)))[0], 'flag_not_found')
}

export async function findSegment(db: Selecting, orgId: string, at: { project: string; key: string }) {
  await findProject(db, orgId, at.project)
  const rows = await selectSegments(db, orgId, at.project, eq(segments.key, at.key))
  return found(rows[0], 'segment_not_found')
}

export async function findLayer(db: Selecting, orgId: string, at: { project: string; key: string }) {
  await findProject(db, orgId, at.project)
  const rows = await selectLayers(db, orgId, at.project, eq(layers.key, at.key))
  return found(rows[0], 'layer_not_found')
}

/** The environment of that key, or what is wrong with naming it in a request for the whole project. */
export function namedEnvironment<Row extends { readonly id: string; readonly key: string }>(
  { actor }: { readonly actor: Pick<Actor, 'environment'> },
  environments: readonly Row[],
  name: string,
): Row | string {
  const environment = environments.find(({ key }) => key === name)
  if (!environment)
    return `there is no such environment; there is ${environments.map(({ key }) => key).join(', ')}`
  const isOutside = actor.environment !== null && actor.environment.id !== environment.id
  return isOutside ? 'is outside what the token may change' : environment
}

/** The row, or its problem. */
export function found<Row>(row: Row | undefined, code: Extract<ProblemCode, `${string}_not_found`>): Row {
  if (row === undefined) throw new ProblemError(code)
  return row
}
