import { isDeltaContent } from '../sync/read-message.ts'
import type { RulesetAnswer, RulesetAsk } from '../sync/reader-ports.ts'
import type { Delta } from '@halyard/shared/protocol/delta.ts'
import { refusesKey } from '../sync/reader-state.ts'
import { readText } from './read-bytes.ts'
import { readRetryAfter } from './retry-after.ts'

const timeoutMs = 10_000
/** A body of 4 MiB, escaped as JSON at its worst. */
const bytesMax = 26 * 1024 * 1024

/**
 * Makes `fetchRuleset` of an edge (its origin) for a server key. What is not a ruleset has failed, whatever its status.
 * `send` is the platform's `fetch`.
 */
export function makeRulesetFetch(
  edge: string,
  key: string,
  send: (url: URL, init: RequestInit) => Promise<Response> = fetch,
): (ask: RulesetAsk) => Promise<RulesetAnswer> {
  return async ({ since, minVersion }) => {
    const url = new URL('/v1/ruleset', edge)
    if (since !== undefined) url.searchParams.set('since', since)
    const headers = {
      authorization: `Bearer ${key}`,
      ...(minVersion !== undefined && { 'halyard-min-version': minVersion }),
    }
    const response = await send(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
    if (response.status !== 200) return await failed(response)
    return readRuleset(await readText(response, bytesMax), response.headers)
  }
}

async function failed(response: Response): Promise<RulesetAnswer> {
  await response.body?.cancel()
  const retryAfterMs = readRetryAfter(response.headers.get('Retry-After'), Date.now())
  const hint = refusesKey(response.status) ? ': the key is unknown, was revoked or has expired' : ''
  const reason = `the edge answered ${response.status}${hint}`
  return { kind: 'failed', status: response.status, reason, ...(retryAfterMs !== null && { retryAfterMs }) }
}

function readRuleset(text: string, headers: Headers): RulesetAnswer {
  const answer = parseObject(text)
  const { signedHead, body, deltas } = answer
  const age = Number(headers.get('Halyard-Age') ?? Number.NaN)
  const ageMs = headers.get('Halyard-Confirmed') === 'true' && age >= 0 ? age * 1_000 : null
  if (typeof signedHead !== 'string') return { kind: 'failed', reason: 'the answer is no ruleset' }
  if (typeof body === 'string') return { kind: 'ruleset', signedHead, content: { body }, ageMs }
  if (Array.isArray(deltas) && deltas.every(isDelta))
    return { kind: 'ruleset', signedHead, content: { deltas }, ageMs }
  return { kind: 'failed', reason: 'the answer is no ruleset' }
}

function isDelta(value: unknown): value is Delta {
  if (typeof value !== 'object' || value === null) return false
  const delta = value as Readonly<Record<string, unknown>> // an object, and each field is checked here
  return typeof delta['signedHead'] === 'string' && isDeltaContent(delta)
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {} // an object
  } catch {
    return {} // not JSON: it lacks whatever is looked for
  }
}
