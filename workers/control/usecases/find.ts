/** One thing by its key or id, or the problem that says it is not there. */
import { eq } from 'drizzle-orm'
import { ProblemError } from '../problem.ts'
import { flags } from '../store/schema.ts'
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

/** The row, or its problem. */
export function found<Row>(
  row: Row | undefined,
  code: 'project_not_found' | 'environment_not_found' | 'flag_not_found' | 'key_not_found',
): Row {
  if (row === undefined) throw new ProblemError(code)
  return row
}
