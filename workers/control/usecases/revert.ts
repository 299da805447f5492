/** Makes the states of an environment what they were at a version, as a new version. */
import { flagReferences, segmentReferences } from '@halyard/shared/checks/references.ts'
import { pointerOf } from '@halyard/shared/checks/wrong-field.ts'
import type { Revert, Reverted } from '@halyard/shared/contract/version-endpoints.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import { formatVersion } from '@halyard/shared/protocol/version.ts'
import { canonicalJson } from '../canonical-json.ts'
import type { Actor, Deps, HistoryRow } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import { missingVersion, selectHistory, selectVersion } from '../publication/read-history.ts'
import { blobBytesOf, keepBlob } from '../store/segment-blobs.ts'
import { forgetMade } from '../store/segment-uploads.ts'
import { selectFlagsWithState } from '../store/select.ts'
import { selectSegmentsWithState } from '../store/select-segments.ts'
import { writeFlagStates, writeSegmentStates } from '../store/write-states.ts'
import { commitChange, versionsOf, type Answer, type Change, type EnvironmentRow } from './change.ts'
import { refuseBrokenReferences } from './check-references.ts'
import { findEnvironment, findProject } from './find.ts'
import { missingProblem, wantedVersion } from './find-version.ts'
import { refuseErrors } from './flag-rules.ts'
import { firstWarnings } from './flag-warnings.ts'
import { checkIfMatch } from './precondition.ts'
import { readEnvironment } from './read-environment.ts'
import { historyOf, toRecord, toSegmentRecord } from './records.ts'
import {
  planErrors,
  planRevert,
  planWarnings,
  wantedErrors,
  type RevertPlan,
  type Revertible,
} from './revert-plan.ts'
import { mayGrow, refuseOversize } from './sizes.ts'

interface Command extends Revert {
  readonly project: string
  readonly environment: string
  readonly ifMatch?: string | undefined
}

/**
 * All of it or nothing: a state that names what is no longer there refuses the whole. It needs no If-Match, because it
 * says all it means, but heeds one, of which the tag is the version that the environment is at. What differs in nothing
 * writes nothing.
 */
export async function revertEnvironment(deps: Deps, actor: Actor, command: Command) {
  return commitChange(deps, actor, async (change): Promise<Answer<Reverted>> => {
    const environment = await findEnvironment(change.tx, actor.orgId, command)
    const { view } = await readEnvironment(change.tx, actor.orgId, environment.id)
    checkIfMatch(command.ifMatch, `"${formatVersion(environment)}"`, view)
    const revertible = await readRevertible(change, environment, command)
    const plan = planRevert(revertible, command)
    refuseErrors(wantedErrors(command, revertible, plan.left))
    refuse(planErrors(plan))
    const isSame = plan.flags.length + plan.segments.length === 0
    const versions = isSame ? versionsOf([environment]) : await write(change, { environment, plan, command })
    return {
      result: {
        environment: environment.key,
        revertedTo: command.to,
        flags: plan.flags.map(({ row }) => row.key),
        segments: plan.segments.map(({ row }) => row.key),
        left: plan.left,
        versions,
        warnings: firstWarnings(planWarnings(plan, change.now.getTime())),
      },
    }
  })
}

async function readRevertible(
  { tx, actor: { orgId } }: Change,
  environment: EnvironmentRow,
  command: Command,
): Promise<Revertible> {
  const at = wantedVersion(command.to)
  const scope = { orgId, environmentId: environment.id }
  const [known] = await selectVersion(tx, scope, at)
  const missing = missingVersion(environment, at, known !== undefined)
  if (missing) throw missingProblem(missing, environment, at)
  return {
    flags: await selectFlagsWithState(tx, orgId, command),
    segments: await selectSegmentsWithState(tx, orgId, command),
    past: await selectHistory(tx, scope, at),
  }
}

interface Writing {
  readonly environment: EnvironmentRow
  readonly plan: RevertPlan
  readonly command: Command
}

async function write(change: Change, writing: Writing) {
  const { environment, plan } = writing
  const { tx, now } = change
  const { orgId } = change.actor
  await keepMembers(change, writing)
  await writeFlagStates(tx, now, plan.flags)
  await writeSegmentStates(tx, now, plan.segments)
  await checkReferences(change, writing)
  if (grows(plan)) await refuseOversize(tx, orgId, [environment])
  const versions = await change.raise([environment], () => historyRows(plan))
  await audit(change, writing, versions)
  return versions
}

/** The lists of past versions are stored still, since history needs them: from now on the present does. */
async function keepMembers({ tx, actor: { orgId } }: Change, { environment, plan }: Writing) {
  const environmentId = environment.id
  const others = plan.segments.filter(({ row, next }) => row.state.members?.hash !== next.members?.hash)
  for (const { row, next } of others) {
    if (next.members) await keepBlob(tx, { orgId, hash: next.members.hash }) // oxlint-disable-line no-await-in-loop -- one connection
    await forgetMade(tx, { orgId, environmentId, segmentId: row.id }) // oxlint-disable-line no-await-in-loop -- the same
  }
}

/** Only what refers to something else than now can break. */
async function checkReferences(change: Change, { environment, plan, command }: Writing) {
  const { tx, actor } = change
  const changed = [
    ...plan.flags
      .filter(({ row, next }) => isOther(flagReferences(row.state), flagReferences(next)))
      .map(({ row }) => ({ kind: 'flag' as const, key: row.key })),
    ...plan.segments
      .filter(({ row, next }) => isOther(segmentReferences(row.state), segmentReferences(next)))
      .map(({ row }) => ({ kind: 'segment' as const, key: row.key })),
  ]
  if (changed.length > 0) {
    const { id: projectId } = await findProject(tx, actor.orgId, command.project)
    await asRefusal(
      refuseBrokenReferences(change, {
        projectId,
        environments: [environment],
        changed,
        own: ({ node, code = 'invalid_value', pointer, detail }) => ({
          code,
          pointer: pointerOf([`${node.kind}s`, node.key]) + pointer,
          detail,
        }),
        lost: '',
      }),
    )
  }
  const bytes =
    plan.segments.length === 0
      ? 0
      : await blobBytesOf(tx, { orgId: actor.orgId, environmentId: environment.id })
  if (bytes > limits.blobBytesPerEnvironment) {
    throw new ProblemError('limit_reached', {
      detail: `the large lists of ${environment.key} would be more than ${limits.blobBytesPerEnvironment} bytes, at 8 bytes an id`,
    })
  }
}

/** It is not the request that is wrong, but that it asks for states which no longer hold. */
async function asRefusal(check: Promise<void>): Promise<void> {
  try {
    await check
  } catch (error) {
    if (error instanceof ProblemError && error.extras.errors) refuse(error.extras.errors)
    throw error
  }
}

function refuse(errors: NonNullable<ProblemError['extras']['errors']>): void {
  if (errors.length > 0) throw new ProblemError('revert_refused', { errors: errors.slice(0, errorsMax) })
}

const errorsMax = 100

function grows({ flags, segments }: RevertPlan): boolean {
  return (
    flags.some(({ row, next }) => mayGrow(toRecord(row, row.state), toRecord(row, next))) ||
    segments.some(({ row, next }) => mayGrow(toSegmentRecord(row, row.state), toSegmentRecord(row, next)))
  )
}

function historyRows({ flags, segments }: RevertPlan): HistoryRow[] {
  return [
    ...flags.map(({ row, next }) => historyOf('flag', row.id, toRecord(row, next))),
    ...segments.map(({ row, next }) => historyOf('segment', row.id, toSegmentRecord(row, next))),
  ]
}

async function audit(
  change: Change,
  { environment, plan, command }: Writing,
  versions: Record<string, string>,
) {
  const { key: project } = await findProject(change.tx, change.actor.orgId, command.project)
  const objects = [
    ...plan.flags.map((one) => ({ kind: 'flag', ...one })),
    ...plan.segments.map((one) => ({ kind: 'segment', ...one })),
  ]
  for (const { kind, row, next } of objects)
    // oxlint-disable-next-line no-await-in-loop -- each entry has the hash of the one before
    await change.audit({
      action: `${kind}.revert`,
      resource: `${kind}/${row.key}`,
      project,
      environment: environment.key,
      versions,
      before: { state: row.state },
      after: { state: next, revertedTo: command.to },
      comment: command.comment,
    })
}

function isOther(a: readonly object[], b: readonly object[]): boolean {
  return canonicalJson(a as never) !== canonicalJson(b as never) // references are JSON
}
