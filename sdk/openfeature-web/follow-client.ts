import type { ClientStatus, FlagChange } from '../client/flag-client.ts'

/** What both providers ask of a client. */
export interface FollowedClient {
  ready(options?: { readonly timeoutMs?: number | undefined }): Promise<boolean>
  status(): ClientStatus
  on(event: 'change', listener: (change: FlagChange) => void): () => void
  on(event: 'status', listener: (status: ClientStatus) => void): () => void
}

/** What a provider tells OpenFeature of its client. */
export type Signal =
  | { readonly kind: 'ready' }
  | { readonly kind: 'stale'; readonly message: string }
  | { readonly kind: 'fatal'; readonly message: string }
  | { readonly kind: 'changed'; readonly flags: readonly string[] }

/** How an initialization ended. `late`: without flags, which may come yet. `fatal`: without, and they never will. */
export type Outcome = 'ready' | 'late' | 'fatal'

export interface Following {
  /** Never rejects. */
  readonly outcome: Promise<Outcome>
  /** Tells nothing until `believe`: the SDK awaits another context. */
  readonly mute: () => void
  /** What the SDK will note next of its own accord, as after a change of context. */
  readonly believe: (what: Outcome) => void
  readonly stop: () => void
}

/**
 * Follows a client from the moment it is initialized. Each signal differs from what OpenFeature believes already: that
 * begins as the outcome, and an SDK notes the outcome itself, so that nothing is told before it did.
 */
export function followClient(
  client: FollowedClient,
  tell: (signal: Signal) => void,
  options: { readonly timeoutMs?: number | undefined } = {},
): Following {
  let believed: Outcome | Signal['kind'] | null = null
  let hasFlags = false
  let isStopped = false
  let noting: ReturnType<typeof setTimeout> | undefined
  const look = () => {
    const signal = signalOf(client.status())
    if (isStopped || believed === null || signal === null || signal.kind === believed) return
    believed = signal.kind
    hasFlags ||= signal.kind !== 'fatal'
    tell(signal)
  }
  /** The SDK's own note of what it awaited comes some microtasks later, and would overwrite what is told before. */
  const believe = (what: Outcome) => {
    hasFlags = what === 'ready'
    clearTimeout(noting)
    noting = setTimeout(() => {
      believed = what
      look()
    }, 0)
  }
  const listening = [
    client.on('status', look),
    client.on('change', ({ flags }) => hasFlags && tell({ kind: 'changed', flags })),
  ]
  const mute = () => {
    clearTimeout(noting)
    believed = null
    hasFlags = false
  }
  const outcome = settle(client, options).then((ended) => {
    believe(ended)
    return ended
  })
  const stop = () => {
    isStopped = true
    for (const stopListening of listening) stopListening()
  }
  return { outcome, mute, believe, stop }
}

/** What a client has now. */
export function outcomeOf({ origin, isRefused }: ClientStatus): Outcome {
  return origin !== null ? 'ready' : isRefused ? 'fatal' : 'late'
}

/** Ends at once when the key is refused: waiting longer would bring nothing. */
function settle(
  client: FollowedClient,
  options: { readonly timeoutMs?: number | undefined },
): Promise<Outcome> {
  return new Promise((resolve) => {
    const look = (status: ClientStatus) => isFatal(status) && end('fatal')
    const stop = client.on('status', look)
    const end = (outcome: Outcome) => {
      stop()
      resolve(outcome)
    }
    void client
      .ready(options)
      .then((isReady) => end(isReady ? 'ready' : isFatal(client.status()) ? 'fatal' : 'late'))
  })
}

function isFatal({ isRefused, origin }: ClientStatus): boolean {
  return isRefused === true && origin === null
}

/** Null: there are no flags yet, and nothing to tell. */
function signalOf(status: ClientStatus): Signal | null {
  const message = status.error ?? `the client is ${status.state}`
  if (isFatal(status)) return { kind: 'fatal', message }
  if (status.origin === null) return null
  return status.state === 'live' || status.state === 'polling'
    ? { kind: 'ready' }
    : { kind: 'stale', message }
}
