/** Work that comes again by itself: a piece of it that fails keeps no other from being done. */
import type { Database } from './store/database.ts'

/** Does it. What fails is logged and gives null: its next time is its next try. */
export async function attempt<Result>(
  job: string,
  work: () => Promise<Result>,
  about: Readonly<Record<string, string>> = {},
): Promise<Result | null> {
  try {
    return await work()
  } catch (error) {
    console.error(JSON.stringify({ event: 'job_failed', job, ...about, error: reasonOf(error) }))
    return null
  }
}

/** Does it for one tenant after another. */
export async function forEachTenant(
  db: Pick<Database, 'listOrganizations'>,
  job: string,
  work: (orgId: string) => Promise<unknown>,
): Promise<void> {
  for (const orgId of await db.listOrganizations()) {
    await attempt(job, () => work(orgId), { orgId }) // oxlint-disable-line no-await-in-loop -- as said
  }
}

/** A failed query is told by its cause: its own message holds all that was to be written. */
export function reasonOf(error: unknown): string {
  return error instanceof Error && error.cause instanceof Error ? String(error.cause) : String(error)
}
