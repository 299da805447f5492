import { evaluate, evaluateAll } from '@halyard/shared/engine/evaluate.ts'
import { explain } from '@halyard/shared/engine/explain.ts'
import type { EvaluationContext } from '@halyard/shared/engine/model.ts'
import { findFlag, loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { momentMs, type Moment } from '@halyard/shared/contract/moment.ts'
import { compilePattern } from '@halyard/shared/pattern/pattern.ts'
import { formatVersion } from '@halyard/shared/protocol/version.ts'
import { describeFallthrough, describeRule } from '@halyard/shared/words/describe-rule.ts'
import { describeTrace } from '@halyard/shared/words/describe-trace.ts'
import type { Actor, Deps, EnvironmentScope, FlagRecord, HistoryRow } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import { addBlobs } from '../publication/add-blobs.ts'
import { compile } from '../publication/compile.ts'
import { readCommitted, readVersion, type CommittedState } from '../publication/read-history.ts'
import { selectEnvironments, selectProject } from '../store/select.ts'
import type { EnvironmentRow } from './change.ts'
import { refuseOverLimit } from './context-limits.ts'
import { found } from './find.ts'
import { missingProblem, wantedVersion } from './find-version.ts'

interface EnvironmentPath {
  readonly project: string
  readonly environment: string
}

interface Question {
  readonly key: string
  readonly context: EvaluationContext
  /** A version of the environment; the newest committed one if left out. */
  readonly version?: string | undefined
  /** The moment of the evaluation; now if left out. */
  readonly now?: Moment | undefined
}

/** Evaluates one flag, or all, on what is committed: the same compiler and engine as at the edge, without the way there. */
export async function evaluateCommitted(
  deps: Deps,
  actor: Actor,
  command: EnvironmentPath & { flag?: string | undefined; context: EvaluationContext },
) {
  refuseOverLimit(command.context)
  const { environment, version, snapshot } = await loadCommitted(deps, actor, command)
  await addBlobs(deps.db, actor.orgId, snapshot, command.flag === undefined ? undefined : [command.flag])
  const now = deps.nowMs()
  const flags =
    command.flag === undefined
      ? evaluateAll(snapshot, command.context, now)
      : [evaluate(snapshot, command.flag, command.context, now)]
  return { environment, version, flags }
}

/** One decision on what is, or was, committed, with every step that led to it and every rule read back. */
export async function explainCommitted(deps: Deps, actor: Actor, command: EnvironmentPath & Question) {
  const { key, context } = command
  refuseOverLimit(context)
  const { environment, version, snapshot, rows } = await loadCommitted(deps, actor, command)
  if (!findFlag(snapshot, key)) {
    throw new ProblemError('flag_not_found', {
      detail: `${environment} has no flag of that key at version ${version}`,
    })
  }
  await addBlobs(deps.db, actor.orgId, snapshot, [key])
  const nowMs = command.now === undefined ? deps.nowMs() : momentMs(command.now)
  const { decision, trace } = explain(snapshot, key, context, nowMs)
  const { rules, fallthrough } = stateOf(rows, key)
  const text = describeTrace(trace, decision, new Map(rules.map(({ id, name }) => [id, name ?? id])))
  return {
    environment,
    version,
    now: new Date(nowMs).toISOString(),
    context,
    decision,
    trace,
    text,
    rules: rules.map((rule) => ({ id: rule.id, name: rule.name ?? null, sentence: describeRule(rule) })),
    fallthrough: describeFallthrough(fallthrough),
  }
}

async function loadCommitted(
  deps: Deps,
  actor: Actor,
  at: EnvironmentPath & { version?: string | undefined },
) {
  const { orgId } = actor
  const [projects, environments] = await deps.db.read(orgId, (read) => [
    selectProject(read, orgId, at.project),
    selectEnvironments(read, orgId, at.project, at.environment),
  ])
  found(projects[0], 'project_not_found')
  const environment = found(environments[0], 'environment_not_found')
  const { id, key } = environment
  const { rows, at: version } = await readState(deps, { orgId, environmentId: id }, at.version, environment)
  const { body } = await compile(id, version, rows)
  return {
    environment: key,
    version: formatVersion(version),
    snapshot: loadSnapshot(body, { compilePattern }),
    rows,
  }
}

/** The newest committed state, or that of a version. */
async function readState(
  { db }: Deps,
  scope: EnvironmentScope,
  token: string | undefined,
  environment: EnvironmentRow,
): Promise<CommittedState> {
  if (token === undefined)
    return found((await readCommitted(db, scope)) ?? undefined, 'environment_not_found')
  const at = wantedVersion(token)
  const committed = await readVersion(db, scope, at)
  if (typeof committed === 'string') throw missingProblem(committed, environment, at)
  return committed
}

function stateOf(rows: readonly HistoryRow[], key: string): FlagRecord['state'] {
  const records = rows.filter((row) => row.kind === 'flag').map((row) => row.state as unknown as FlagRecord) // what toRecord wrote
  return found(
    records.find((flag) => flag.key === key && !flag.archived),
    'flag_not_found',
  ).state
}
