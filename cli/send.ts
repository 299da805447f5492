import { setTimeout as sleep } from 'node:timers/promises'
import { makeBackOff } from '@halyard/sdk/sync/back-off.ts'
import { readRetryAfter } from '@halyard/sdk/transport/retry-after.ts'
import { CommandError, exitCodes } from './command-error.ts'

export interface Message {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array<ArrayBuffer>
  /** Whether doing it twice is the same as doing it once. */
  readonly isRepeatable: boolean
}

export type Pause = (ms: number) => Promise<unknown>

const triesMax = 4
const timeoutMs = 30_000
/** A server that asks for more patience than this gets its answer told instead. */
const pauseMaxMs = 10_000

/** Sends a request. What is safe to repeat is, after a network failure or a 503 that says when. */
export async function send(message: Message, pause: Pause = sleep): Promise<Response> {
  const backOff = makeBackOff(250, 2_000, Math.random)
  for (let left = message.isRepeatable ? triesMax - 1 : 0; ; left -= 1) {
    // One try after another.
    // oxlint-disable-next-line no-await-in-loop
    const outcome = await attempt(message)
    const waitMs = left > 0 ? pauseAfter(outcome) : null
    if (waitMs !== null) {
      // oxlint-disable-next-line no-await-in-loop -- as above
      await pause(backOff.next(waitMs))
    } else if (outcome instanceof Response) {
      return outcome
    } else {
      throw new CommandError(exitCodes.failed, `${new URL(message.url).origin} cannot be reached`, [
        reasonOf(outcome.cause),
      ])
    }
  }
}

/** What it comes to is told once no try is left. */
async function attempt({ method, url, headers, body }: Message): Promise<Response | { cause: unknown }> {
  try {
    return await fetch(url, {
      method,
      headers,
      body: body ?? null,
      redirect: 'error',
      signal: AbortSignal.timeout(timeoutMs),
    })
  } catch (cause) {
    return { cause }
  }
}

/** At least how long to wait before another try; null if there should be none. */
function pauseAfter(outcome: Response | { cause: unknown }): number | null {
  if (!(outcome instanceof Response)) return 0
  if (outcome.status !== 503) return null
  const askedMs = readRetryAfter(outcome.headers.get('retry-after'), Date.now())
  return askedMs !== null && askedMs <= pauseMaxMs ? askedMs : null
}

/** fetch says only "fetch failed"; why is in the innermost cause. */
function reasonOf(cause: unknown): string {
  let inner = cause
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause
  if (inner instanceof AggregateError) inner = inner.errors[0]
  return inner instanceof Error ? inner.message || inner.name : String(inner)
}
