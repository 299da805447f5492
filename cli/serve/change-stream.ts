import type { ServedFlags } from './served-flags.ts'

const aliveMs = 15_000

/**
 * OFREP's event stream (its ADR 0008): says when it is time to evaluate again, and at once to whom comes new or held
 * another version. Ends with `signal`.
 */
export function openChangeStream(
  flags: Pick<ServedFlags, 'token' | 'onChange'>,
  lastEventId: string | null,
  signal: AbortSignal,
): Response {
  const ended = new AbortController()
  const body = new ReadableStream<string>({
    start: (controller) => {
      const refetch = () =>
        controller.enqueue(event({ type: 'refetchEvaluation', etag: flags.token() }, flags.token()))
      if (lastEventId === flags.token()) controller.enqueue(event({ type: 'connected' }, flags.token()))
      else refetch()
      const timer = setInterval(() => controller.enqueue(': alive\n\n'), aliveMs)
      timer.unref()
      const forget = flags.onChange(refetch)
      ended.signal.addEventListener('abort', () => {
        clearInterval(timer)
        forget()
      })
      const end = () => {
        ended.abort()
        controller.close()
      }
      if (signal.aborted) end()
      else signal.addEventListener('abort', end, { signal: ended.signal })
    },
    cancel: () => ended.abort(),
  })
  const headers = {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store, no-transform',
    Connection: 'close', // once it ended, nothing keeps the server
  }
  return new Response(body.pipeThrough(new TextEncoderStream()), { headers })
}

function event(data: object, id: string): string {
  return `id: ${id}\ndata: ${JSON.stringify(data)}\n\n`
}
