import type { Logger } from '../client/flag-client.ts'
import type { WebPorts } from './web-ports.ts'

/** An edge, and the key to it. */
export interface Edge {
  readonly edge: string
  readonly key: string
  readonly ports: WebPorts
  readonly logger: Logger | undefined
}

export interface Letter {
  readonly path: string
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
  /** Whether it is sent on when the page is gone; then at most 64 KiB are. */
  readonly keepalive?: boolean
}

const timeoutMs = 10_000

/** Sends JSON, and reads the answer within 10 s. Rejects if that fails, or the flight is aborted. */
export async function post<T>(
  { edge, key, ports }: Edge,
  { path, headers, ...init }: Letter,
  read: (response: Response) => Promise<T> | T,
  flight = new AbortController(),
): Promise<T> {
  const stopTimer = ports.after(timeoutMs, () => flight.abort(new Error('no answer within 10 s')))
  try {
    const response = await ports.fetch(edge + path, {
      ...init,
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json', ...headers },
      signal: flight.signal,
    })
    return await read(response)
  } finally {
    stopTimer()
  }
}

/** What went wrong, by the edge. Only its own word makes a key refused: what stands before it may forbid for a while. */
export async function readProblem(response: Response) {
  // The page of a proxy says nothing.
  const { errorCode, errorDetails } = (await response.json().catch(() => null)) ?? {}
  const isRefused = (response.status === 401 || response.status === 403) && !!errorCode
  return { errorDetails, isRefused }
}

/** How long the edge wants to be left alone, at most an hour. */
export function readRetryAfterMs({ headers }: Response): number {
  const text = headers.get('Retry-After') ?? ''
  const ms = Number(text) * 1_000 || Date.parse(text) - Date.now() || 0
  return Math.min(Math.max(ms, 0), 3_600_000)
}
