/** Finds a relay for a stream: in the reader's region, one of those that are known there, with room for it. */
import type { Region } from '@halyard/shared/protocol/hub.ts'
import type { HubEnv } from './env.ts'
import type { Opening } from './relay-core.ts'
import { regionOf, relayName } from './relay-wire.ts'

export const fullHeader = 'Halyard-Relay'

/** How many relays an environment has in a region, as far as this isolate was told. */
export type ShardsCache = Map<string, { readonly shards: number; readonly until: number }>

const shardsCacheMax = 1000
/** Relays of one environment in one region. */
export const shardsMax = 100
/** After it everybody begins at the first again: readers that left leave relays behind that are not needed. */
const shardsKnownMs = 600_000
const triesMax = 5
const retryAfterMaxSec = 5

export async function routeStream(env: HubEnv, request: Request, cache: ShardsCache): Promise<Response> {
  const url = new URL(request.url)
  const environment = url.searchParams.get('environment')
  if (!environment) return new Response('environment is missing', { status: 400 })
  if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket')
    return new Response('upgrade required', { status: 426 })
  const region = regionOf(url.searchParams.get('region'))
  const place = `${environment}/${region}`
  for (let tries = 0; tries < triesMax; tries++) {
    const known = knownShards(cache, place)
    // Whoever finds a full one goes to the last, which is the one that is being filled, if there may be more.
    const isAny = tries === 0 || known === shardsMax
    const shard = isAny ? Math.floor(Math.random() * known) : known - 1
    url.searchParams.set('relay', `${region}/${shard}`)
    // oxlint-disable-next-line no-await-in-loop -- the next is asked only if this one is full
    const response = await askRelay(env, { environment, region, shard }, new Request(url, request))
    const shards = readFull(response.headers)
    if (shards === null) return response
    rememberShards(cache, place, Math.min(Math.max(known, shards), shardsMax))
  }
  return comeBack('no relay has room')
}

/** What the relay is asked for; null if the query does not say. */
export function readOpening(url: string): Opening | null {
  const query = new URL(url).searchParams
  const [environment, relay, keyId] = [query.get('environment'), query.get('relay'), query.get('key')]
  if (!environment || !relay || keyId === null) return null
  return {
    environment,
    relay,
    keyId,
    class: query.get('class') === 'server' ? 'server' : 'client',
    since: query.get('since'),
  }
}

export function formatFull(shards: number): string {
  return `full; shards=${shards}`
}

interface Place {
  readonly environment: string
  readonly region: Region
  readonly shard: number
}

async function askRelay(env: HubEnv, { environment, region, shard }: Place, request: Request) {
  const name = relayName(environment, `${region}/${shard}`)
  try {
    return await env.RELAYS.getByName(name, { locationHint: region }).fetch(request)
  } catch (cause) {
    console.error('a relay could not be reached', { name, cause })
    return comeBack('the relay does not answer') // it was overloaded, or restarts with a new script
  }
}

function comeBack(why: string): Response {
  // Whole seconds, spread over those who are told.
  const retryAfter = String(1 + Math.floor(Math.random() * retryAfterMaxSec))
  return new Response(why, { status: 503, headers: { 'Retry-After': retryAfter } })
}

function readFull(headers: Headers): number | null {
  const match = /^full; shards=(\d{1,4})/.exec(headers.get(fullHeader) ?? '')
  return match ? Number(match[1]) : null
}

function knownShards(cache: ShardsCache, place: string): number {
  const known = cache.get(place)
  return known && known.until > Date.now() ? known.shards : 1
}

function rememberShards(cache: ShardsCache, place: string, shards: number): void {
  if (cache.size >= shardsCacheMax) cache.clear()
  cache.set(place, { shards, until: Date.now() + shardsKnownMs })
}
