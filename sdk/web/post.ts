import type { WebPorts } from './web-ports.ts'

/** An edge, and the key to it. */
export interface Edge {
  readonly edge: string
  readonly key: string
  readonly ports: WebPorts
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

/** How long the edge wants to be left alone, at most an hour. */
export function readRetryAfterMs({ headers }: Response): number {
  return Math.min(Number(headers.get('Retry-After')) || 0, 3_600) * 1_000
}
