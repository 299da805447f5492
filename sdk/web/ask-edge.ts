/** One bulk evaluation: OFREP 0.3, `POST /ofrep/v1/evaluate/flags`, with the headers of docs/design/interfaces.md. */
import { post, readProblem, readRetryAfterMs, type Edge } from './post.ts'
import { readAnswers } from './read-answers.ts'
import type { Copy } from './stored-copies.ts'
import { readToken } from './version-order.ts'
import type { Answers } from './web-client.ts'

export interface Question {
  /** As JSON. */
  readonly context: string
  /** Of the answers held. */
  readonly etag: string | null
  /** A version token: nothing older is wanted. */
  readonly atLeast: string | null
}

export interface Answer {
  readonly error?: undefined
  /** Null: what is held still holds. */
  readonly copy: (Copy & { readonly answers: Answers }) | null
  readonly version: string | null
  readonly ageMs: number
}

export interface Failure {
  readonly error: string
  /** The key is not taken, and will not be. */
  readonly isRefused?: boolean
  /** The edge has nothing as new as that. */
  readonly isBehind?: boolean
  readonly retryAfterMs: number
}

/** Never rejects: what goes wrong, an abort too, is an outcome. */
export async function askEdge(
  to: Edge,
  question: Question,
  flight: AbortController,
): Promise<Answer | Failure> {
  const { context, etag, atLeast } = question
  const headers = {
    ...(etag && { 'If-None-Match': etag }),
    ...(atLeast && { 'Halyard-Min-Version': atLeast }),
  }
  const letter = { path: '/ofrep/v1/evaluate/flags', headers, body: `{"context":${context}}` }
  try {
    return await post(to, letter, readOutcome, flight)
  } catch (cause) {
    return { error: `${to.edge}: ${String(cause)}`, retryAfterMs: 0 }
  }
}

async function readOutcome(response: Response): Promise<Answer | Failure> {
  const { status, headers, url } = response
  const version = readToken(headers.get('Halyard-Version'))
  const ageMs = Number(headers.get('Halyard-Age')) * 1_000
  if (status === 304) return { copy: null, version, ageMs }
  if (status === 200) {
    const { flags, eventStreams } = await response.json()
    const copy = {
      version,
      etag: headers.get('ETag'),
      credential: readCredential(eventStreams),
      items: flags,
      answers: readAnswers(flags),
    }
    return { copy, version, ageMs }
  }
  const { errorDetails, isRefused } = await readProblem(response)
  const error = `${url} answered ${status} ${errorDetails ?? ''}`
  return { error, isRefused, isBehind: status === 409, retryAfterMs: readRetryAfterMs(response) }
}

/** The stream that is offered says no more than that; its credential opens the one that also says that nothing changed. */
function readCredential(eventStreams: unknown): string | null {
  return /[?&]token=([^&"]+)/.exec(JSON.stringify(eventStreams) ?? '')?.[1] ?? null
}
