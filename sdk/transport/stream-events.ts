/** A stream as Server-Sent Events (HTML standard, 9.2) over `fetch`, for platforms whose WebSocket takes no headers. */
import type { StreamConnection, StreamEnding, StreamHears } from '../sync/reader-ports.ts'
import { readRetryAfter } from './retry-after.ts'
import { openTimeoutMs, type StreamRequest } from './stream-request.ts'

/** A body of 4 MiB, escaped as JSON at its worst. */
const eventLengthMax = 26 * 1024 * 1024

/** Opens a stream by `fetch`. Nothing is sent over it: the edge sees from what is taken that somebody reads. */
export function makeEventStream(request: StreamRequest, hears: StreamHears): StreamConnection {
  const abort = new AbortController()
  let isOver = false
  const end = (ending: StreamEnding) => {
    abort.abort()
    if (!isOver) hears.ended(ending)
    isOver = true
  }
  const heard: StreamHears = {
    opened: () => isOver || hears.opened(),
    heard: (text) => isOver || hears.heard(text),
    ended: end,
  }
  follow(request, abort, heard).catch((cause: unknown) => end({ reason: describe(cause) }))
  return {
    send: () => {},
    close: () => {
      isOver = true
      abort.abort()
    },
  }
}

async function follow(
  { url, key }: StreamRequest,
  abort: AbortController,
  hears: StreamHears,
): Promise<void> {
  const timer = setTimeout(() => abort.abort(new Error('the edge did not answer in time')), openTimeoutMs)
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream' },
    redirect: 'manual',
    signal: abort.signal,
  }).finally(() => clearTimeout(timer))
  const { status, headers, body } = response
  if (status !== 200 || !headers.get('content-type')?.startsWith('text/event-stream')) {
    const retryAfterMs = readRetryAfter(headers.get('retry-after'), Date.now())
    const reason = status === 200 ? 'the edge answered with something else' : `the edge answered ${status}`
    return hears.ended({ status, reason, ...(retryAfterMs !== null && { retryAfterMs }) })
  }
  hears.opened()
  const parse = makeEventParser(hears.heard)
  const decoder = new TextDecoder()
  for await (const chunk of body ?? []) parse(decoder.decode(chunk, { stream: true }))
  hears.ended({ reason: 'the stream ended' })
}

/**
 * Takes the stream as it comes, in whatever pieces, and gives the data of each event. Names and ids say nothing that
 * the data does not. Throws if a line is longer than the longest message.
 */
export function makeEventParser(heard: (data: string) => void): (piece: string) => void {
  let rest: string[] = []
  let restLength = 0
  let data: string[] = []
  const take = (line: string) => {
    if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
    if (line !== '' || data.length === 0) return
    const text = data.join('\n')
    data = []
    heard(text)
  }
  return (piece) => {
    const lines = piece.split('\n')
    const last = lines.pop() ?? ''
    for (const line of lines) {
      const whole = [...rest, line].join('')
      rest = []
      restLength = 0
      take(whole.endsWith('\r') ? whole.slice(0, -1) : whole)
    }
    if (last === '') return
    rest.push(last)
    restLength += last.length
    if (restLength > eventLengthMax) throw new Error('an event is longer than a message can be')
  }
}

/** What `fetch` says is mostly that it failed; its cause says why. */
function describe(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error ? cause.message : String(error)
}
