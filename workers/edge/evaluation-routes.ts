import { evaluate, evaluateAll, evaluateForClient } from '@halyard/shared/engine/evaluate.ts'
import { decisionJson } from '@halyard/shared/engine/json.ts'
import type { Decision, EvaluationContext } from '@halyard/shared/engine/model.ts'
import { answerFrom } from './answer.ts'
import { authorize, freshnessOf, type Grant } from './authorize.ts'
import { readEvaluationBody } from './context.ts'
import { matchesEtag } from './etag.ts'
import { Refusal } from './refusal.ts'
import type { RouteScope } from './route-scope.ts'

const flagsMax = 1_000
const ownMembers = new Set(['context', 'flag', 'flags'])

/** OFREP: one flag. */
export async function evaluateOne({ request, edge, ports }: RouteScope, key: string): Promise<Response> {
  const grant = await authorize(edge, request, ports)
  const { context } = await readEvaluationBody(request)
  return answerOne(grant, decide(grant, key, context, ports.now()), ports.now())
}

/** OFREP: every flag that the key's class may see. */
export async function evaluateBulk({ request, edge, ports }: RouteScope): Promise<Response> {
  const grant = await authorize(edge, request, ports)
  const { context } = await readEvaluationBody(request)
  const etag = await edge.makeEtag(grant.copy, grant.key.class, context)
  const now = ports.now()
  const freshness = freshnessOf(grant, now)
  if (matchesEtag(request.headers.get('If-None-Match'), etag)) return answerFrom(freshness, 304, null, etag)
  return answerFrom(freshness, 200, listText(decideAll(grant, context, now)), etag)
}

/** Our own form: `flag` for one, `flags` for some, neither for all. */
export async function evaluateOwn({ request, edge, ports }: RouteScope): Promise<Response> {
  const grant = await authorize(edge, request, ports)
  const { context, members } = await readEvaluationBody(request)
  const now = ports.now()
  const { flag, flags } = members
  const unknown = Object.keys(members).find((name) => !ownMembers.has(name))
  if (unknown !== undefined)
    throw new Refusal('INVALID_REQUEST', `"${unknown}" is not known here: context, and flag or flags`)
  if (flag !== undefined && flags !== undefined)
    throw new Refusal('INVALID_REQUEST', 'give flag or flags, not both')
  if (typeof flag === 'string') return answerOne(grant, decide(grant, flag, context, now), now)
  if (flag !== undefined) throw new Refusal('INVALID_REQUEST', 'flag is not a string')
  const decisions =
    flags === undefined
      ? decideAll(grant, context, now)
      : readKeys(flags).map((key) => decide(grant, key, context, now))
  return answerFrom(freshnessOf(grant, now), 200, listText(decisions))
}

function decide({ key, copy }: Grant, flag: string, context: EvaluationContext, now: number): Decision {
  return key.class === 'client'
    ? evaluateForClient(copy.snapshot, flag, context, now)
    : evaluate(copy.snapshot, flag, context, now)
}

function decideAll({ key, copy }: Grant, context: EvaluationContext, now: number): Decision[] {
  return evaluateAll(copy.snapshot, context, now, { clientOnly: key.class === 'client' })
}

function answerOne(grant: Grant, decision: Decision, now: number): Response {
  return answerFrom(freshnessOf(grant, now), statusOf(decision), decisionJson(decision))
}

function statusOf(decision: Decision): number {
  if (decision.reason !== 'ERROR') return 200
  return decision.errorCode === 'FLAG_NOT_FOUND' ? 404 : 400
}

/** Built by appending, which costs half of mapping and joining. */
function listText(decisions: readonly Decision[]): string {
  let text = '{"flags":['
  let separator = ''
  for (const decision of decisions) {
    text += separator + decisionJson(decision)
    separator = ','
  }
  return `${text}]}`
}

function readKeys(value: unknown): readonly string[] {
  if (!Array.isArray(value) || !value.every((key) => typeof key === 'string')) {
    throw new Refusal('INVALID_REQUEST', 'flags is not a list of strings')
  }
  if (value.length > flagsMax) {
    throw new Refusal('INVALID_REQUEST', `over the limit: flags is at most ${flagsMax}`, {
      limit: { name: 'flags', max: flagsMax },
    })
  }
  return value
}
