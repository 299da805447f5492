import { and, eq } from 'drizzle-orm'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import type { Version } from '@halyard/shared/protocol/version.ts'
import type { Actor, Deps, EnvironmentScope } from '../ports.ts'
import { environments, projects } from '../store/schema.ts'
import { commitChange, type Change, type EnvironmentRow } from './change.ts'

/** Why the system raises a version without anybody's edit. */
export interface SystemChange {
  readonly action: 'environment.republish' | 'environment.epoch'
  readonly comment: string
  /** Whether it has been done meanwhile: then nothing is written. */
  readonly isDone?: (at: Version) => boolean
}

/**
 * Raises an environment's version by one, with its content as it is: an audit entry by `system`, an outbox row. With
 * `environment.epoch` its epoch rises too, and writes are taken again. Whoever calls publishes, or leaves it to the
 * sweep. Gives the new version, or null if it was done already or the environment does not exist.
 */
export async function raiseEnvironment(
  { db, nowMs }: Pick<Deps, 'db' | 'nowMs'>,
  scope: EnvironmentScope,
  wanted: SystemChange,
): Promise<Version | null> {
  const deps = { db, publishers, nowMs }
  const { result } = await commitChange<Version | null>(deps, systemOf(scope.orgId), async (change) => {
    const before = await readPlace(change, scope)
    if (!before || wanted.isDone?.(before)) return { result: null }
    const { project, ...row } = before
    const epoch = wanted.action === 'environment.epoch' ? await raiseEpoch(change, row) : row.epoch
    const versions = await change.raise([row], () => [])
    const at = { epoch, version: row.version + 1 }
    await change.audit({
      action: wanted.action,
      resource: `environment/${row.key}`,
      project,
      environment: row.key,
      versions,
      before: { epoch: row.epoch, version: row.version },
      after: at,
      comment: wanted.comment,
    })
    return { result: at }
  })
  return result
}

/** Writes down what was done to the whole installation where a tenant finds it. */
export async function noteInAudit(
  { db, nowMs }: Pick<Deps, 'db' | 'nowMs'>,
  orgId: string,
  note: { readonly action: 'installation.freeze' | 'installation.unfreeze'; readonly comment: string },
): Promise<void> {
  const { action, comment } = note
  const isFrozen = action === 'installation.freeze'
  const [before, after] = [{ frozen: !isFrozen }, { frozen: isFrozen }]
  await commitChange({ db, publishers, nowMs }, systemOf(orgId), async (change) => {
    await change.audit({ action, resource: 'installation', versions: {}, before, after, comment })
    return { result: null }
  })
}

/** The caller sees to publication: what it leaves undone is in the outbox. */
const publishers = { arm: async () => ({ go() {}, release() {} }) }

/** Nobody with a token: the installation itself, or who operates it. */
function systemOf(orgId: string): Actor {
  return {
    keyId: 'system',
    orgId,
    orgKey: '',
    role: 'admin',
    project: null,
    environment: null,
    requestId: makeId('req'),
    idempotency: null,
  }
}

async function readPlace(
  { tx }: Change,
  { orgId, environmentId }: EnvironmentScope,
): Promise<(EnvironmentRow & { readonly project: string }) | null> {
  const [row] = await tx
    .select({ environment: environments, project: projects.key })
    .from(environments)
    .innerJoin(projects, and(eq(projects.orgId, environments.orgId), eq(projects.id, environments.projectId)))
    .where(and(eq(environments.orgId, orgId), eq(environments.id, environmentId)))
  return row ? { ...row.environment, project: row.project } : null
}

/** From here on every version is above all that was published before the database went back. Gives the new epoch. */
async function raiseEpoch({ tx }: Change, { orgId, id, epoch, hubEpoch }: EnvironmentRow): Promise<number> {
  const next = Math.max(epoch, hubEpoch ?? 0) + 1
  await tx
    .update(environments)
    .set({ epoch: next, epochRequired: false, hubEpoch: null })
    .where(and(eq(environments.orgId, orgId), eq(environments.id, id)))
  return next
}
