import { evaluate, evaluateAll } from '@halyard/shared/engine/evaluate.ts'
import { explain } from '@halyard/shared/engine/explain.ts'
import type { EvaluationContext } from '@halyard/shared/engine/model.ts'
import { loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { formatVersion } from '@halyard/shared/protocol/version.ts'
import type { Actor, Deps, FlagRecord, HistoryRow } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import { compile } from '../publication/compile.ts'
import { readCommitted } from '../publication/read-history.ts'
import { selectEnvironments, selectProject } from '../store/select.ts'
import { describeTrace } from './describe-trace.ts'
import { found } from './find.ts'

interface EnvironmentPath {
  readonly project: string
  readonly environment: string
}

/** Evaluates one flag, or all, on what is committed: the same compiler and engine as at the edge, without the way there. */
export async function evaluateCommitted(
  deps: Deps,
  actor: Actor,
  command: EnvironmentPath & { flag?: string | undefined; context: EvaluationContext },
) {
  const { environment, version, snapshot } = await loadCommitted(deps, actor, command)
  const now = deps.nowMs()
  const flags =
    command.flag === undefined
      ? evaluateAll(snapshot, command.context, now)
      : [evaluate(snapshot, command.flag, command.context, now)]
  return { environment, version, flags }
}

/** One decision on what is committed, with every step that led to it. */
export async function explainCommitted(
  deps: Deps,
  actor: Actor,
  command: EnvironmentPath & { key: string; context: EvaluationContext },
) {
  const { environment, version, snapshot, rows } = await loadCommitted(deps, actor, command)
  if (!snapshot.flags.has(command.key)) throw new ProblemError('flag_not_found')
  const { decision, trace } = explain(snapshot, command.key, command.context, deps.nowMs())
  const text = describeTrace(trace, decision, ruleNamesOf(rows, command.key))
  return { environment, version, context: command.context, decision, trace, text }
}

async function loadCommitted({ db }: Deps, { orgId }: Actor, at: EnvironmentPath) {
  const [projects, environments] = await db.read(orgId, (read) => [
    selectProject(read, orgId, at.project),
    selectEnvironments(read, orgId, at.project, at.environment),
  ])
  found(projects[0], 'project_not_found')
  const { id, key } = found(environments[0], 'environment_not_found')
  const committed = await readCommitted(db, { orgId, environmentId: id })
  const { rows, at: version } = found(committed ?? undefined, 'environment_not_found')
  const { body } = await compile(id, version, rows)
  return {
    environment: key,
    version: formatVersion(version),
    snapshot: loadSnapshot(body),
    rows,
  }
}

function ruleNamesOf(rows: readonly HistoryRow[], key: string): ReadonlyMap<string, string> {
  const records = rows.filter((row) => row.kind === 'flag').map((row) => row.state as unknown as FlagRecord) // what toRecord wrote
  const rules = records.find((flag) => flag.key === key)?.state.rules ?? []
  return new Map(rules.map((rule) => [rule.id, rule.name ?? rule.id]))
}
