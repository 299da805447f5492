import { clientDecision, makeNotFound, type Answer } from './answer.ts'
import { startRun } from './attribute.ts'
import { decide } from './flag.ts'
import { decisionJson } from './json.ts'
import type { Decision, EvaluationContext } from './model.ts'
import { dependsOnTime } from './reach.ts'
import { compiledFlag, entriesFor, findFlag, type Snapshot } from './snapshot.ts'
import { countAnswer, type Tally } from './tally.ts'

/**
 * Decides one flag for a context. `now` is epoch milliseconds. Never throws; the decision of a known flag is a frozen
 * object that all evaluations with that result share.
 */
export function evaluate(snapshot: Snapshot, key: string, context: EvaluationContext, now: number): Decision {
  const entry = findFlag(snapshot, key)
  if (entry === undefined) return makeNotFound(key)
  startRun(snapshot.run, context, now)
  return decide(compiledFlag(snapshot, entry), snapshot.run, snapshot.world).full
}

/**
 * `evaluate`, giving the answer behind the decision, which can be counted (`tally.ts`). Undefined: there is no such flag.
 * The clock is read only where the moment can matter: reading it takes longer than most decisions.
 */
export function answerOne(
  snapshot: Snapshot,
  key: string,
  context: EvaluationContext,
  clock: () => number,
): Answer | undefined {
  const entry = findFlag(snapshot, key)
  if (entry === undefined) return undefined
  const isTimed = entry.dependsOnTime ?? dependsOnTime(snapshot, entry)
  startRun(snapshot.run, context, isTimed ? clock() : 0)
  return decide(compiledFlag(snapshot, entry), snapshot.run, snapshot.world)
}

/** `evaluateAll`, giving the answers behind the decisions. */
export function answerAll(snapshot: Snapshot, context: EvaluationContext, now: number): Answer[] {
  const { run, world } = snapshot
  startRun(run, context, now)
  return entriesFor(snapshot, false).map((entry) => decide(compiledFlag(snapshot, entry), run, world))
}

/** `evaluate` for class client: a hidden flag looks exactly like an unknown one, and nothing is said of rules. */
export function evaluateForClient(
  snapshot: Snapshot,
  key: string,
  context: EvaluationContext,
  now: number,
): Decision {
  const entry = findFlag(snapshot, key)
  const flag = entry && compiledFlag(snapshot, entry)
  if (!flag?.clientVisible) return makeNotFound(key)
  startRun(snapshot.run, context, now)
  return clientDecision(decide(flag, snapshot.run, snapshot.world))
}

/**
 * Decides every flag for one context, in the order of the body. With `clientOnly`, every flag that class client may
 * see, as `evaluateForClient` decides it.
 */
export function evaluateAll(
  snapshot: Snapshot,
  context: EvaluationContext,
  now: number,
  options: { clientOnly?: boolean } = {},
): Decision[] {
  const clientOnly = options.clientOnly === true
  const { run, world } = snapshot
  startRun(run, context, now)
  return entriesFor(snapshot, clientOnly).map((entry) => {
    const answer = decide(compiledFlag(snapshot, entry), run, world)
    return clientOnly ? clientDecision(answer) : answer.full
  })
}

/**
 * Decides these flags for one context, in the order of the keys, as `evaluate` or with `clientOnly` as
 * `evaluateForClient` does: the work that they share is done once.
 */
export function evaluateMany(
  snapshot: Snapshot,
  keys: readonly string[],
  { context, now, clientOnly = false }: { context: EvaluationContext; now: number; clientOnly?: boolean },
): Decision[] {
  const { run, world } = snapshot
  startRun(run, context, now)
  return keys.map((key) => {
    const entry = findFlag(snapshot, key)
    const flag = entry && compiledFlag(snapshot, entry)
    if (flag === undefined || (clientOnly && !flag.clientVisible)) return makeNotFound(key)
    const answer = decide(flag, run, world)
    return clientOnly ? clientDecision(answer) : answer.full
  })
}

/**
 * The decisions of `evaluateAll` as JSON texts (see `decisionJson`), joined by commas: what stands between the brackets
 * of a list. The text of each answer is written once, so that nothing is escaped here. With a `tally`, each answer is
 * counted there.
 */
export function evaluateAllJson(
  snapshot: Snapshot,
  context: EvaluationContext,
  now: number,
  options: { clientOnly?: boolean; tally?: Tally } = {},
): string {
  const clientOnly = options.clientOnly === true
  const { tally } = options
  let text = ''
  startRun(snapshot.run, context, now)
  for (const entry of entriesFor(snapshot, clientOnly)) {
    const answer = decide(compiledFlag(snapshot, entry), snapshot.run, snapshot.world)
    if (tally !== undefined) countAnswer(tally, answer)
    const json = clientOnly ? clientText(answer) : fullText(answer)
    // Appending costs half of mapping and joining. The comma is part of each text; the first one goes.
    text += text === '' ? json.slice(1) : json
  }
  return text
}

function fullText(answer: Answer): string {
  return (answer.fullText ??= `,${decisionJson(answer.full)}`)
}

function clientText(answer: Answer): string {
  return (answer.clientText ??= `,${decisionJson(clientDecision(answer))}`)
}
