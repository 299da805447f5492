/** One bulk evaluation: OFREP 0.3, `POST /ofrep/v1/evaluate/flags`, with the headers of docs/design/interfaces.md. */
import { post, readRetryAfterMs, type Edge } from './post.ts'
import { readAnswers } from './read-answers.ts'
import type { Copy } from './stored-copies.ts'
import type { Answers } from './web-client.ts'

export interface Question {
  /** As JSON. */
  readonly context: string
  /** Of the answers held. */
  readonly etag: string | null
  /** A version token: nothing older is wanted. */
  readonly atLeast: string | null
}

export type Outcome =
  | {
      readonly kind: 'answer'
      /** Null: what is held still holds. */
      readonly copy: (Copy & { readonly answers: Answers }) | null
      readonly version: string | null
      readonly ageMs: number
    }
  /** The key is not taken, and will not be. */
  | { readonly kind: 'refused'; readonly error: string }
  /** The edge has nothing as new as that. */
  | { readonly kind: 'behind'; readonly error: string }
  | { readonly kind: 'failed'; readonly error: string; readonly retryAfterMs: number }

/** Never rejects: what goes wrong, an abort too, is an outcome. */
export async function askEdge(to: Edge, question: Question, flight: AbortController): Promise<Outcome> {
  const { context, etag, atLeast } = question
  const headers = {
    ...(etag && { 'If-None-Match': etag }),
    ...(atLeast && { 'Halyard-Min-Version': atLeast }),
  }
  const letter = { path: '/ofrep/v1/evaluate/flags', headers, body: `{"context":${context}}` }
  try {
    return await post(to, letter, readOutcome, flight)
  } catch (cause) {
    return { kind: 'failed', error: `${to.edge}: ${String(cause)}`, retryAfterMs: 0 }
  }
}

async function readOutcome(response: Response): Promise<Outcome> {
  const { status, headers, url } = response
  const version = headers.get('Halyard-Version')
  const ageMs = Number(headers.get('Halyard-Age')) * 1_000
  if (status === 304) return { kind: 'answer', copy: null, version, ageMs }
  if (status === 200) {
    const { flags, eventStreams } = await response.json()
    const copy = {
      version,
      etag: headers.get('ETag'),
      credential: readCredential(eventStreams),
      items: flags,
      answers: readAnswers(flags),
    }
    return { kind: 'answer', copy, version, ageMs }
  }
  const { errorCode, errorDetails } = await response.json().catch(() => ({})) // the page of a proxy says nothing
  const error = `${url} answered ${status} ${errorDetails ?? ''}`
  // What stands before the edge may forbid for a while.
  if (status === 401 || (status === 403 && errorCode)) return { kind: 'refused', error }
  if (status === 409) return { kind: 'behind', error }
  return { kind: 'failed', error, retryAfterMs: readRetryAfterMs(response) }
}

/** The stream that is offered says no more than that; its credential opens the one that also says that nothing changed. */
function readCredential(eventStreams: unknown): string | null {
  return /[?&]token=([^&"]+)/.exec(JSON.stringify(eventStreams) ?? '')?.[1] ?? null
}
