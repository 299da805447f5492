import { evaluateAll, evaluateAllJson, evaluateMany } from '@halyard/shared/engine/evaluate.ts'
import { decisionJson } from '@halyard/shared/engine/json.ts'
import type { Decision, Json } from '@halyard/shared/engine/model.ts'
import { requiredBlobs } from '@halyard/shared/engine/reach.ts'
import { answerFrom } from './answer.ts'
import { missingBlobs } from './blobs.ts'
import { matchesEtag } from './etag.ts'
import { evaluateWhole, readQuestion, takeBasis, type Basis, type Question, type Work } from './question.ts'
import { Refusal } from './refusal.ts'
import { overLimit, requestLimits } from './request-limits.ts'
import type { RouteScope } from './route-scope.ts'
import type { StreamOffer } from './streams.ts'
import { countDecisions, countsOf } from './usage.ts'

const ownMembers = new Set(['context', 'flag', 'flags'])
const shownNameMax = 50

/** OFREP: one flag. */
export async function evaluateOne(scope: RouteScope, key: string): Promise<Response> {
  return await answerOne(await readQuestion(scope), key)
}

/** OFREP: every flag that the key's class may see. Where all data is at hand, a 304 costs no evaluation. */
export async function evaluateBulk(scope: RouteScope): Promise<Response> {
  const question = await readQuestion(scope)
  const basis = takeBasis(question)
  if (hasAll(question, basis)) return await answerTagged(question, basis, () => allText(question, basis))
  const { isWhole, result, basis: last } = await evaluateWhole(question, allOf(question))
  // An answer that lacks data is nobody's to keep: the next one may have it.
  if (!isWhole) {
    const text = await withStream(deliver(question, result), offerOf(question, last))
    return answerFrom(last.freshness, 200, text)
  }
  return await answerTagged(question, last, () => deliver(question, result))
}

/** Our own form: `flag` for one, `flags` for some, neither for all. */
export async function evaluateOwn(scope: RouteScope): Promise<Response> {
  const question = await readQuestion(scope)
  const { flag, flags } = question.members
  const unknown = Object.keys(question.members).find((name) => !ownMembers.has(name))
  if (unknown !== undefined) {
    throw new Refusal('INVALID_REQUEST', `${shown(unknown)} is not known here: context, and flag or flags`)
  }
  if (flag !== undefined && flags !== undefined)
    throw new Refusal('INVALID_REQUEST', 'give flag or flags, not both')
  if (typeof flag === 'string') return await answerOne(question, flag)
  if (flag !== undefined) throw new Refusal('INVALID_REQUEST', 'flag is not a string')
  if (flags !== undefined) return await answerSome(question, readKeys(flags))
  const basis = takeBasis(question)
  if (hasAll(question, basis)) return answerFrom(basis.freshness, 200, allText(question, basis))
  const { basis: last, result } = await evaluateWhole(question, allOf(question))
  return answerFrom(last.freshness, 200, deliver(question, result))
}

async function answerOne(question: Question, key: string): Promise<Response> {
  const { basis, result } = await evaluateWhole(question, someOf(question, [key]))
  const [decision] = result
  if (!decision) throw new Error('one key has one decision')
  countDecisions(countsOf(question, question.grant.view.environment).evaluations, result)
  return answerFrom(basis.freshness, statusOf(decision), decisionJson(decision))
}

function statusOf(decision: Decision): number {
  if (decision.reason !== 'ERROR') return 200
  return isUnknown(decision) ? 404 : 400
}

async function answerSome(question: Question, keys: readonly string[]): Promise<Response> {
  const { basis, result } = await evaluateWhole(question, someOf(question, keys))
  countDecisions(countsOf(question, question.grant.view.environment).evaluations, result)
  return answerFrom(basis.freshness, 200, listText(result))
}

async function answerTagged(question: Question, basis: Basis, text: () => string): Promise<Response> {
  const { request, edge, grant } = question
  const { copy, context, now, freshness } = basis
  const offer = offerOf(question, basis)
  const asked = { keyClass: grant.key.class, context, now, offer: offer && offer.mark }
  const etag = await edge.makeEtag(copy, asked)
  if (matchesEtag(request.headers.get('If-None-Match'), etag)) return answerFrom(freshness, 304, null, etag)
  return answerFrom(freshness, 200, await withStream(text(), offer), etag)
}

function offerOf({ edge, grant }: Question, { now }: Basis): StreamOffer | null {
  return edge.streams.offer(grant.view.environment, grant.key, now)
}

/** Adds the stream that tells when to evaluate again; without one, a client has to ask. */
async function withStream(text: string, offer: StreamOffer | null): Promise<string> {
  return offer === null ? text : `${text.slice(0, -1)},"eventStreams":[${await offer.text()}]}`
}

function someOf({ clientOnly }: Question, keys: readonly string[]): Work<readonly Decision[]> {
  return {
    evaluate: ({ copy, context, now }) => evaluateMany(copy.snapshot, keys, { context, now, clientOnly }),
    // What only a hidden flag needs is not waited for: that would show it.
    missing: ({ copy }, decisions) =>
      requiredBlobs(
        copy.snapshot,
        decisions.filter((decision) => !isUnknown(decision)).map(({ key }) => key),
      ),
  }
}

function allOf({ grant, clientOnly }: Question): Work<readonly Decision[]> {
  return {
    evaluate: ({ copy, context, now }) => evaluateAll(copy.snapshot, context, now, { clientOnly }),
    missing: ({ copy }) => missingBlobs(grant.view, copy.snapshot, clientOnly),
  }
}

/** Whether all flags can be decided with what is at hand. */
function hasAll({ grant, clientOnly }: Question, { copy }: Basis): boolean {
  return missingBlobs(grant.view, copy.snapshot, clientOnly).length === 0
}

/** Evaluates and counts in one go: this is where most answers come from. */
function allText(question: Question, { copy, context, now }: Basis): string {
  const { clientOnly, grant } = question
  const { tally } = countsOf(question, grant.view.environment)
  return `{"flags":[${evaluateAllJson(copy.snapshot, context, now, { clientOnly, tally })}]}`
}

/** What was perhaps evaluated several times, and is given once. */
function deliver(question: Question, decisions: readonly Decision[]): string {
  countDecisions(countsOf(question, question.grant.view.environment).deliveries, decisions)
  return listText(decisions)
}

function listText(decisions: readonly Decision[]): string {
  return `{"flags":[${decisions.map(decisionJson).join(',')}]}`
}

function isUnknown(decision: Decision): boolean {
  return decision.reason === 'ERROR' && decision.errorCode === 'FLAG_NOT_FOUND'
}

/** Each at most once: what is repeated would multiply the answer, which so is bounded by the snapshot. */
function readKeys(value: Json): readonly string[] {
  if (!Array.isArray(value) || !value.every((key) => typeof key === 'string')) {
    throw new Refusal('INVALID_REQUEST', 'flags is not a list of strings')
  }
  if (value.length > requestLimits.flags) throw overLimit('INVALID_REQUEST', 'flags')
  const seen = new Set<string>()
  for (const key of value) {
    if (seen.has(key)) {
      throw new Refusal(
        'INVALID_REQUEST',
        `flags names ${shown(key)} more than once: each flag once is allowed`,
      )
    }
    seen.add(key)
  }
  return value
}

function shown(text: string): string {
  return JSON.stringify(text.slice(0, shownNameMax))
}
