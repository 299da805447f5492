import { and, eq } from 'drizzle-orm'
import type { Warning } from '@halyard/shared/contract/written.ts'
import type { Actor, Armed, Deps } from '../ports.ts'
import { environments } from '../store/schema.ts'
import { commitChange, versionsOf, type Change, type EnvironmentRow } from './change.ts'
import { findEnvironment, findProject } from './find.ts'
import { freezeWarnings } from './freeze-warnings.ts'
import { checkIfMatch, etagOf } from './precondition.ts'
import { recordEnvironment } from './views.ts'
import { readEnvironment } from './read-environment.ts'

interface Command {
  readonly project: string
  readonly environment: string
  readonly comment?: string | undefined
  readonly ifMatch?: string | undefined
}

/** Stops the publishing of an environment; one that is frozen already stays as it is. */
export async function freezeEnvironment(deps: Deps, actor: Actor, command: Command & { comment: string }) {
  const { comment } = command
  return commitChange(deps, actor, async (change) => {
    const before = await findMatching(change, command)
    const isNew = before.frozenAt === null
    if (isNew) await turn(change, command, { before, frozenAt: change.now, frozenComment: comment })
    return await answer(change, before, [revocationsWait(before.key)])
  })
}

/** Publishes again, at once also what waited. */
export async function unfreezeEnvironment(deps: Deps, actor: Actor, command: Command) {
  let armed: Armed | undefined
  try {
    const written = await commitChange(deps, actor, async (change) => {
      const before = await findMatching(change, command)
      const isFrozen = before.frozenAt !== null
      if (isFrozen) await turn(change, command, { before, frozenAt: null, frozenComment: null })
      armed = await deps.publishers.arm({ orgId: actor.orgId, environmentId: before.id })
      return await answer(change, before, [])
    })
    armed?.go()
    return written
  } catch (error) {
    armed?.release()
    throw error
  }
}

async function findMatching({ tx, actor }: Change, command: Command): Promise<EnvironmentRow> {
  const row = await findEnvironment(tx, actor.orgId, command)
  if (command.ifMatch !== undefined) {
    const { view, revision } = await readEnvironment(tx, actor.orgId, row.id)
    checkIfMatch(command.ifMatch, etagOf(revision), view)
  }
  return row
}

interface Turned {
  readonly before: EnvironmentRow
  readonly frozenAt: Date | null
  readonly frozenComment: string | null
}

async function turn(change: Change, { project, comment }: Command, { before, ...state }: Turned) {
  const { tx, actor } = change
  const { key } = await findProject(tx, actor.orgId, project)
  const after = { ...before, ...state, revision: before.revision + 1 }
  await tx
    .update(environments)
    .set({ ...state, revision: after.revision })
    .where(and(eq(environments.orgId, actor.orgId), eq(environments.id, before.id)))
  await change.audit({
    action: state.frozenAt === null ? 'environment.unfreeze' : 'environment.freeze',
    resource: `environment/${before.key}`,
    project: key,
    environment: before.key,
    versions: versionsOf([before]),
    before: recordEnvironment(before),
    after: recordEnvironment(after),
    comment,
  })
}

async function answer({ tx, actor }: Change, { id }: EnvironmentRow, warnings: readonly Warning[]) {
  const { view, revision } = await readEnvironment(tx, actor.orgId, id)
  // Not of its own switch: that is what was asked for.
  const others = view.frozen?.scope === 'installation' ? freezeWarnings([view.key]) : []
  const result = { ...view, versions: { [view.key]: view.version }, warnings: [...warnings, ...others] }
  return { result, etag: etagOf(revision) }
}

function revocationsWait(environment: string): Warning {
  return {
    code: 'revocations_wait',
    pointer: '',
    detail: `nothing of ${environment} is published until it is unfrozen: keys that are revoked now go on working, and flags that are switched off now go on being served. What was on its way may still arrive`,
  }
}
