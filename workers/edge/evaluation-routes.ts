import { evaluate, evaluateAllJson, evaluateForClient } from '@halyard/shared/engine/evaluate.ts'
import { decisionJson } from '@halyard/shared/engine/json.ts'
import type { Decision, EvaluationContext, Json } from '@halyard/shared/engine/model.ts'
import { requiredBlobs } from '@halyard/shared/engine/reach.ts'
import { answerFrom } from './answer.ts'
import { authorize, freshnessOf, type Grant } from './authorize.ts'
import { missingBlobs, provideBlobs } from './blobs.ts'
import { readEvaluationBody } from './context.ts'
import { matchesEtag } from './etag.ts'
import { Refusal } from './refusal.ts'
import { withFacts } from './request-facts.ts'
import { overLimit, requestLimits } from './request-limits.ts'
import type { RouteScope } from './route-scope.ts'
import { trim } from './view-cache.ts'

/** What is asked, by whom, for which context. */
interface Question extends RouteScope {
  readonly grant: Grant
  readonly context: EvaluationContext
  readonly members: Readonly<Record<string, Json>>
}

const ownMembers = new Set(['context', 'flag', 'flags'])
const shownNameMax = 50

/** OFREP: one flag. */
export async function evaluateOne(scope: RouteScope, key: string): Promise<Response> {
  return await answerOne(await readQuestion(scope), key)
}

/** OFREP: every flag that the key's class may see. */
export async function evaluateBulk(scope: RouteScope): Promise<Response> {
  const question = await readQuestion(scope)
  const { request, edge, ports, grant, context } = question
  const missing = missingBlobs(grant.copy.snapshot, isClient(grant))
  const isWhole = missing.length === 0 || (await provide(question, missing))
  const now = ports.now()
  // An answer that lacks data is nobody's to keep: the next one may have it.
  const etag = isWhole ? await edge.makeEtag(grant.copy, { keyClass: grant.key.class, context, now }) : null
  const freshness = freshnessOf(grant, now)
  if (etag !== null && matchesEtag(request.headers.get('If-None-Match'), etag)) {
    return answerFrom(freshness, 304, null, etag)
  }
  return answerFrom(freshness, 200, allText(question, now), etag)
}

/** Our own form: `flag` for one, `flags` for some, neither for all. */
export async function evaluateOwn(scope: RouteScope): Promise<Response> {
  const question = await readQuestion(scope)
  const { ports, grant, members } = question
  const { flag, flags } = members
  const unknown = Object.keys(members).find((name) => !ownMembers.has(name))
  if (unknown !== undefined) {
    const shown = JSON.stringify(unknown.slice(0, shownNameMax))
    throw new Refusal('INVALID_REQUEST', `${shown} is not known here: context, and flag or flags`)
  }
  if (flag !== undefined && flags !== undefined)
    throw new Refusal('INVALID_REQUEST', 'give flag or flags, not both')
  if (typeof flag === 'string') return await answerOne(question, flag)
  if (flag !== undefined) throw new Refusal('INVALID_REQUEST', 'flag is not a string')
  if (flags !== undefined) {
    const decisions = await decide(question, readKeys(flags))
    const text = decisions.map(decisionJson).join(',')
    return answerFrom(freshnessOf(grant, ports.now()), 200, `{"flags":[${text}]}`)
  }
  const missing = missingBlobs(grant.copy.snapshot, isClient(grant))
  if (missing.length > 0) await provide(question, missing)
  const now = ports.now()
  return answerFrom(freshnessOf(grant, now), 200, allText(question, now))
}

async function readQuestion(scope: RouteScope): Promise<Question> {
  const { request, edge, ports } = scope
  const grant = await authorize(edge, request, ports)
  const { context, members } = await readEvaluationBody(request)
  return {
    ...scope,
    grant,
    context: isClient(grant) ? withFacts(context, request, grant.copy.readsFacts) : context,
    members,
  }
}

function isClient({ key }: Grant): boolean {
  return key.class === 'client'
}

async function answerOne(question: Question, key: string): Promise<Response> {
  const [decision] = await decide(question, [key])
  if (!decision) throw new Error('one key has one decision')
  return answerFrom(
    freshnessOf(question.grant, question.ports.now()),
    statusOf(decision),
    decisionJson(decision),
  )
}

function statusOf(decision: Decision): number {
  if (decision.reason !== 'ERROR') return 200
  return decision.errorCode === 'FLAG_NOT_FOUND' ? 404 : 400
}

/** Blobs are fetched only if a flag cannot be decided without: a context that does not reach them waits for nothing. */
async function decide(question: Question, keys: readonly string[]): Promise<readonly Decision[]> {
  const decisions = decideNow(question, keys)
  const failed = decisions.filter(isGeneralError).map(({ key }) => key)
  if (failed.length === 0) return decisions
  const missing = requiredBlobs(question.grant.copy.snapshot, failed)
  if (missing.length === 0 || !(await provide(question, missing))) return decisions
  return decideNow(question, keys)
}

function isGeneralError(decision: Decision): boolean {
  return decision.reason === 'ERROR' && decision.errorCode === 'GENERAL'
}

function decideNow({ ports, grant, context }: Question, keys: readonly string[]): readonly Decision[] {
  const now = ports.now()
  const evaluateOneKey = isClient(grant) ? evaluateForClient : evaluate
  return keys.map((key) => evaluateOneKey(grant.copy.snapshot, key, context, now))
}

async function provide({ edge, ports, grant }: Question, hashes: readonly string[]): Promise<boolean> {
  const isWhole = await provideBlobs(grant.view, grant.copy.snapshot, hashes, ports)
  trim(edge.views, grant.view)
  return isWhole
}

function allText({ grant, context }: Question, now: number): string {
  const clientOnly = isClient(grant)
  return `{"flags":[${evaluateAllJson(grant.copy.snapshot, context, now, { clientOnly })}]}`
}

function readKeys(value: Json): readonly string[] {
  if (!Array.isArray(value) || !value.every((key) => typeof key === 'string')) {
    throw new Refusal('INVALID_REQUEST', 'flags is not a list of strings')
  }
  if (value.length > requestLimits.flags) throw overLimit('INVALID_REQUEST', 'flags')
  return value
}
