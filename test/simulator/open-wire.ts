import { Refusal } from '../../workers/edge/refusal.ts'
import type { Opened } from '../../workers/hub/relay-core.ts'
import type { EdgeIsolate } from './edge-isolate.ts'
import type { SimKey } from './keys.ts'
import type { Machine, Network } from './network.ts'
import type { RelayObject } from './relay-object.ts'
import type { Wire } from './wire.ts'

export interface WantedWire {
  readonly from: Machine
  readonly key: SimKey
  readonly since: string | null
  readonly isolate: EdgeIsolate
  readonly relay: RelayObject
}

export type WireAnswer = { readonly wire: Wire } | { readonly status: number; readonly retryAfterMs?: number }

/** By way of the edge: a stream that was opened, and whose opening nobody heard of, breaks. */
export async function openWire(network: Network, wanted: WantedWire): Promise<WireAnswer> {
  const { from, key, since, isolate, relay } = wanted
  const opened: Wire[] = []
  try {
    return await network.call(from, isolate.machine, async (): Promise<WireAnswer> => {
      const refusal = await refusalOf(isolate, key)
      if (refusal) return refusal
      const answer = await network.call(isolate.machine, relay.machine, () =>
        relay.open(since, { class: key.class, keyId: key.id, reader: from.name }),
      )
      if (answer.wire) opened.push(answer.wire)
      return answer.wire ? { wire: answer.wire } : statusOf(answer.opened)
    })
  } catch (cause) {
    for (const wire of opened) wire.break()
    throw cause
  }
}

async function refusalOf(
  isolate: EdgeIsolate,
  { text }: SimKey,
): Promise<{ readonly status: number } | null> {
  try {
    await isolate.authorize(
      new Request('https://edge.test/v1/stream', { headers: { authorization: `Bearer ${text}` } }),
    )
    return null
  } catch (cause) {
    if (cause instanceof Refusal) return { status: cause.status }
    throw cause
  }
}

/** What the edge answers, see `stream-routes.ts`. */
function statusOf(opened: Opened): { readonly status: number; readonly retryAfterMs?: number } {
  if (opened.outcome === 'refused') return { status: 401 }
  if (opened.outcome === 'busy') return { status: 503, retryAfterMs: opened.retryAfterSec * 1_000 }
  return { status: 503, retryAfterMs: 2_000 }
}
