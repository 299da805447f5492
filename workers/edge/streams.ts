import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import type { StreamRequest } from '@halyard/shared/protocol/hub.ts'
import type { EdgeEnv } from './env.ts'
import { groupOf, makeAdmission, type Admission } from './stream-admission.ts'
import { makeCredentials, type Credentials } from './stream-credential.ts'

/** What an isolate keeps for streams. Polling and evaluation need none of it. */
export interface Streams {
  readonly credentials: Credentials
  readonly admission: Admission
  /** Opens a WebSocket at a relay. */
  readonly open: (request: StreamRequest) => Promise<Response>
  /** The stream that a bulk answer for this key offers, or null while none can be opened. */
  readonly offer: (environment: string, key: AccessKey, now: number) => StreamOffer | null
}

export interface StreamOffer {
  /** Moves when the text does. */
  readonly mark: string
  /** The entry of `eventStreams`, as JSON. */
  readonly text: () => Promise<string>
}

export const eventStreamPath = '/ofrep/v1/stream'

/** A page that has been out of sight for so long lets its stream go, and asks anew when it is seen. */
const inactivityDelaySec = 120

export function makeStreams(env: Pick<EdgeEnv, 'HUB' | 'STREAM_SECRET' | 'STREAM_OPENS'>): Streams {
  const credentials = makeCredentials(env.STREAM_SECRET)
  const admission = makeAdmission(env.STREAM_OPENS)
  const offersCache = new WeakMap<AccessKey, StreamOffer & { readonly endsAt: number }>()
  return {
    credentials,
    admission,
    open: (request) =>
      env.HUB.fetch(`https://hub/stream?${new URLSearchParams({ ...request })}`, {
        headers: { Upgrade: 'websocket' },
      }),
    offer: (environment, key, now) => {
      if (admission.isClosed(groupOf(environment, key.class), now)) return null
      const known = offersCache.get(key)
      if (known && now < known.endsAt) return known
      const claims = { environment, key: key.id, class: key.class }
      const made = makeOffer(credentials, claims, now)
      offersCache.set(key, made)
      return made
    },
  }
}

function makeOffer(credentials: Credentials, claims: Parameters<Credentials['issue']>[0], now: number) {
  const { mark, endsAt } = credentials.windowOf(claims.key, now)
  let made: Promise<string> | undefined
  const text = () => (made ??= credentials.issue(claims, now).then(describe))
  return { mark, endsAt, text }
}

/** Without an origin: a client takes that of the address it evaluates at, also behind a proxy. */
function describe(credential: string): string {
  const endpoint = { requestUri: `${eventStreamPath}?token=${credential}` }
  return JSON.stringify({ type: 'sse', endpoint, inactivityDelaySec })
}
