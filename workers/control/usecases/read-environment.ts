import { eq } from 'drizzle-orm'
import type { Environment } from '@halyard/shared/contract/resources.ts'
import { environments } from '../store/schema.ts'
import { selectEnvironmentViews } from '../store/select-environments.ts'
import type { Selecting } from '../store/select.ts'
import { toEnvironment } from './views.ts'

/** An environment as the API shows it. */
export async function readEnvironment(
  db: Selecting,
  orgId: string,
  id: string,
): Promise<{ readonly view: Environment; readonly revision: number }> {
  const [row] = await selectEnvironmentViews(db, orgId, eq(environments.id, id))
  if (!row) throw new Error('the environment is there: its row is locked')
  return { view: toEnvironment(row), revision: row.environment.revision }
}
