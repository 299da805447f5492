import { and, count, eq, isNull } from 'drizzle-orm'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { KeyCreate } from '@halyard/shared/contract/resources.ts'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { makeKey } from '@halyard/shared/protocol/keys.ts'
import type { Actor, Deps } from '../ports.ts'
import { invalid, ProblemError } from '../problem.ts'
import { apiKeys } from '../store/schema.ts'
import { selectEnvironments, selectKeys } from '../store/select.ts'
import { commitChange, type Change, type EnvironmentRow, type Versions } from './change.ts'
import { found, findProject } from './find.ts'
import { toKey } from './views.ts'

/** Creates an API key. Its secret is in this answer and nowhere else. */
export async function createKey(deps: Deps, actor: Actor, command: { project: string; key: KeyCreate }) {
  return commitChange(deps, actor, async (change) => {
    const project = await findProject(change.tx, actor.orgId, command.project)
    const environment = await environmentOf(change, project.id, command.key)
    await refuseTooMany(change, project.id)
    const { row, secret } = await makeRow(deps, change, {
      projectId: project.id,
      environment,
      key: command.key,
    })
    await change.tx.insert(apiKeys).values(row)
    const view = toKey({ ...row, environment: environment?.key ?? null })
    const versions = await raiseAccess(change, environment, row)
    const { comment } = command.key
    await change.audit({
      action: 'key.create',
      resource: `key/${row.id}`,
      project: project.key,
      ...(environment && { environment: environment.key }),
      versions,
      before: null,
      after: view,
      comment,
    })
    return { result: { ...view, secret, versions, warnings: [] } }
  })
}

/** Revokes an API key: every reader refuses it as soon as the new version reaches it. */
export async function revokeKey(deps: Deps, actor: Actor, command: { project: string; id: string }) {
  return commitChange(deps, actor, async (change) => {
    const { tx, now } = change
    const project = await findProject(tx, actor.orgId, command.project)
    const before = found(
      (await selectKeys(tx, actor.orgId, project.id, eq(apiKeys.id, command.id)))[0],
      'key_not_found',
    )
    if (actor.environment && before.environmentId !== actor.environment.id)
      throw new ProblemError('key_not_found')
    if (before.revokedAt) return { result: { ...toKey(before), versions: {}, warnings: [] } }
    const after = { ...before, revokedAt: now }
    await tx
      .update(apiKeys)
      .set({ revokedAt: now })
      .where(and(eq(apiKeys.orgId, actor.orgId), eq(apiKeys.id, before.id)))
    const [environment] =
      before.environmentId === null
        ? []
        : await selectEnvironments(tx, actor.orgId, project.id, before.environmentId)
    const versions = await raiseAccess(change, environment, after)
    await change.audit({
      action: 'key.revoke',
      resource: `key/${before.id}`,
      project: project.key,
      ...(environment && { environment: environment.key }),
      versions,
      before: toKey(before),
      after: toKey(after),
    })
    return { result: { ...toKey(after), versions, warnings: [] } }
  })
}

async function environmentOf(
  { tx, actor }: Change,
  projectId: string,
  key: KeyCreate,
): Promise<EnvironmentRow | undefined> {
  const name = key.environment
  if (actor.environment && name !== actor.environment.key) {
    throw new ProblemError('forbidden', {
      detail: `the token may only make keys of environment "${actor.environment.key}"`,
    })
  }
  if (name === undefined) return undefined
  const rows = await selectEnvironments(tx, actor.orgId, projectId)
  const row = rows.find((environment) => environment.key === name)
  if (!row)
    throw invalid(
      '/environment',
      `there is no environment "${name}"; there is ${rows.map((r) => r.key).join(', ')}`,
    )
  return row
}

async function refuseTooMany({ tx, actor }: Change, projectId: string) {
  const [live] = await tx
    .select({ keys: count() })
    .from(apiKeys)
    .where(and(eq(apiKeys.orgId, actor.orgId), eq(apiKeys.projectId, projectId), isNull(apiKeys.revokedAt)))
  if ((live?.keys ?? 0) >= limits.keysPerProject) {
    throw new ProblemError('limit_reached', {
      detail: `at most ${limits.keysPerProject} live keys in a project: revoke one first`,
    })
  }
}

interface Made {
  readonly projectId: string
  readonly environment: EnvironmentRow | undefined
  readonly key: KeyCreate
}

async function makeRow({ checkSecret }: Deps, { actor, now }: Change, { projectId, environment, key }: Made) {
  if (key.expiresAt !== undefined && Date.parse(key.expiresAt) <= now.getTime())
    throw invalid('/expiresAt', 'is in the past')
  const id = makeId('key', now.getTime())
  const owner = key.class === 'management' ? id : environment?.id
  if (owner === undefined) throw invalid('/environment', `a ${key.class} key belongs to an environment`)
  const secret = await makeKey(key.class, owner, checkSecret)
  const row: typeof apiKeys.$inferSelect = {
    orgId: actor.orgId,
    id,
    projectId,
    environmentId: environment?.id ?? null,
    class: key.class,
    role: key.class === 'management' ? key.role : null,
    name: key.name,
    hash: await sha256Hex(secret),
    lastFour: secret.slice(-4),
    origins: key.class === 'client' ? (key.origins ?? []) : [],
    createdBy: actor.keyId,
    createdAt: now,
    expiresAt: key.expiresAt === undefined ? null : new Date(key.expiresAt),
    revokedAt: null,
    lastUsedOn: null,
  }
  return { row, secret }
}

/** A key of an environment is part of what its readers hold; a management key is not. */
async function raiseAccess(
  change: Change,
  environment: EnvironmentRow | undefined,
  row: typeof apiKeys.$inferSelect,
): Promise<Versions> {
  if (!environment || row.class === 'management') return {}
  const access: AccessKey = {
    id: row.id,
    hash: row.hash,
    class: row.class,
    ...(row.origins.length > 0 && { origins: row.origins }),
    ...(row.expiresAt && { expiresAt: row.expiresAt.getTime() }),
  }
  const state = row.revokedAt ? null : access
  return change.raise([environment], () => [{ kind: 'key', objectId: row.id, state: state as never }]) // an AccessKey is JSON
}
