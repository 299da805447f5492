/** What the tests of the edge have in common: its real bindings, a real hub beside it, and a published environment. */
import { env } from 'cloudflare:workers'
import type { JWK } from 'jose'
import { fingerprintOf, sealBlob } from '@halyard/shared/engine/blob.ts'
import type { FlagConfig, SegmentConfig } from '@halyard/shared/engine/model.ts'
import { formatBody, formatLine } from '@halyard/shared/engine/snapshot.ts'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import type { HubPublishApi, Publication } from '@halyard/shared/protocol/hub.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { makeKey } from '@halyard/shared/protocol/keys.ts'
import { signPublication } from '@halyard/shared/protocol/publication.ts'
import { makeEdge } from './edge.ts'
import type { EdgeEnv } from './env.ts'

// The plugin types the bindings of all Workers as one; these are the ones of the edge's configuration.
export const edgeEnv = env as unknown as EdgeEnv & {
  readonly SIGNING_KEY: string
  readonly HUB_PUBLISH: HubPublishApi
  readonly SNAPSHOTS: KVNamespace
}

export type Flags = Readonly<Record<string, Partial<FlagConfig> | string>>

/** Visible and hidden, switched off and broken, with rules on attributes and with a share. */
export const sampleFlags: Flags = {
  banner: {
    rules: [
      { id: 'rul_1', when: { attribute: 'country', op: 'in', values: ['CA'] }, serve: { variant: 'on' } },
    ],
  },
  broken: '{"clientVisible":true}',
  hidden: {
    clientVisible: false,
    rules: [{ id: 'rul_2', when: { attribute: 'plan', op: 'eq', value: 'pro' }, serve: { variant: 'on' } }],
  },
  paused: { enabled: false },
  share: {
    fallthrough: {
      split: {
        by: 'targetingKey',
        weights: [
          { variant: 'on', weight: 50_000 },
          { variant: 'off', weight: 50_000 },
        ],
      },
    },
  },
  steady: { fallthrough: { variant: 'on' } },
}

const plainFlag: FlagConfig = {
  valueType: 'boolean',
  variants: [
    { key: 'on', value: true },
    { key: 'off', value: false },
  ],
  seed: '0123456789abcdef',
  clientVisible: true,
  enabled: true,
  offVariant: 'off',
  overrides: [],
  rules: [],
  fallthrough: { variant: 'off' },
}

export function bodyOf(flags: Flags, lines: readonly string[] = []): string {
  const flagLines = Object.entries(flags).map(([key, flag]) =>
    formatLine('flag', key, typeof flag === 'string' ? flag : JSON.stringify({ ...plainFlag, ...flag })),
  )
  return formatBody([...flagLines, ...lines])
}

export interface Published {
  readonly flags?: Flags
  /** Further lines: of segments, of layers. */
  readonly lines?: readonly string[]
  /** The whole body, in the place of flags and lines. */
  readonly body?: string
  readonly keys?: readonly AccessKey[]
  readonly epoch?: number
}

export async function publicationOf(
  environment: string,
  version: number,
  published: Published,
): Promise<Publication> {
  const { flags = sampleFlags, lines = [], keys = [], epoch = 1 } = published
  const { body = bodyOf(flags, lines) } = published
  const visible = Object.entries(flags).filter(
    ([, flag]) => typeof flag === 'string' || flag.clientVisible !== false,
  )
  return await signPublication(
    {
      environment,
      epoch,
      version,
      clientHash: await sha256Hex(bodyOf(Object.fromEntries(visible), lines)),
      compiler: 1,
      time: 1_700_000_000_000 + version,
      body,
      access: JSON.stringify({ environment, keys }),
    },
    JSON.parse(edgeEnv.SIGNING_KEY) as JWK,
  )
}

/** An environment with a server and a client key, not yet published. */
export async function makeWorld(environment = makeId('env')) {
  const server = await newKey(environment, 'server')
  const client = await newKey(environment, 'client')
  const publish = async (version: number, published: Published = {}) => {
    const publication = await publicationOf(environment, version, {
      keys: [server.entry, client.entry],
      ...published,
    })
    const answer = await edgeEnv.HUB_PUBLISH.publish(environment, publication)
    if (answer.outcome !== 'applied') throw new Error(`not applied: ${JSON.stringify(answer)}`)
    return publication
  }
  /** Stores the members of a large segment; gives their blob's hash. */
  const store = async (ids: readonly string[]) => {
    const bytes = blobOf(ids)
    const hash = await sha256Hex(bytes)
    const outcome = await edgeEnv.HUB_PUBLISH.storeBlob(environment, hash, bytes)
    if (outcome !== 'stored') throw new Error('the hub refused a blob')
    return hash
  }
  return { environment, server, client, publish, store }
}

export function blobOf(ids: readonly string[]) {
  const prints = ids.map(fingerprintOf)
  const highs = Uint32Array.from(prints, ({ high }) => high)
  const lows = Uint32Array.from(prints, ({ low }) => low)
  return sealBlob(highs, lows, ids.length)
}

/** The line of a segment whose members are a blob. */
export function segmentLine(key: string, hash: string, count: number): string {
  const members = { hash, count, added: [], removed: [] }
  const config: SegmentConfig = { attribute: 'targetingKey', include: [], exclude: [], members }
  return formatLine('segment', key, JSON.stringify(config))
}

export async function newKey(
  environment: string,
  keyClass: AccessKey['class'],
  rest: Partial<AccessKey> = {},
) {
  const text = await makeKey(keyClass, environment, edgeEnv.ID_CHECK_SECRET)
  const entry: AccessKey = { id: makeId('key'), hash: await sha256Hex(text), class: keyClass, ...rest }
  return { text, entry }
}

export interface CallOptions {
  readonly key?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly method?: string
  /** What the platform tells of the request. */
  readonly cf?: Partial<IncomingRequestCfProperties>
}

/** Caches without effect, as on workers.dev. */
export const noPlaces: Pick<CacheStorage, 'open'> = {
  open: async () => ({ match: async () => undefined, put: async () => undefined, delete: async () => false }),
}

/** Puts something under a name of the location's cache, as whoever shares the zone could. */
export async function putPlace(name: string, content: string, init: ResponseInit = {}): Promise<void> {
  const signers = encodeURIComponent(
    (JSON.parse(edgeEnv.TRUSTED_KEYS) as JWK[]).map(({ kid }) => kid).join('+'),
  )
  const headers = { 'Cache-Control': 'max-age=60' }
  const cache = await caches.open('halyard')
  await cache.put(`https://halyard.invalid/${signers}/${name}`, new Response(content, { headers, ...init }))
}

/**
 * An edge with nothing in memory, whose bindings and clock can be changed: it is the machine's, so far ahead, or stands
 * still at `at`. Edges share the location's cache, unless one has its own `places`. Usage is sent as soon as it is counted. `settle` waits for work behind answers.
 */
export function startEdge(
  overrides: Partial<EdgeEnv> = {},
  at?: number,
  places: Pick<CacheStorage, 'open'> = caches,
) {
  const clock = { aheadMs: 0 }
  const bindings = { ...overrides }
  const live = new Proxy(edgeEnv, {
    get: (target, name: keyof EdgeEnv) => bindings[name] ?? target[name],
  })
  const now = () => (at ?? Date.now()) + clock.aheadMs
  const handle = makeEdge(live, { now, caches: places, flushMs: 0 })
  const work: Promise<unknown>[] = []
  const fetch = (request: Request) => handle(request, { waitUntil: (promise) => void work.push(promise) })
  const call = (path: string, { key, body, headers = {}, method, cf }: CallOptions = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return fetch(
      new Request(`https://edge${path}`, {
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: {
          ...(key !== undefined && { Authorization: `Bearer ${key}` }),
          // As on a wire: only what is sent over one gets it by itself.
          ...(body !== undefined && { 'Content-Length': String(new TextEncoder().encode(text).length) }),
          ...headers,
        },
        ...(cf && { cf }),
        ...(body !== undefined && { body: text }),
      }),
    )
  }
  return { clock, bindings, fetch, call, settle: async () => void (await Promise.allSettled(work.splice(0))) }
}

const fail = async () => await Promise.reject(new Error('the hub is gone'))

/** The real hub, but these of its methods fail. */
export function hubWithout(...broken: readonly ('read' | 'blob' | 'fetch')[]): EdgeEnv['HUB'] {
  const { HUB } = edgeEnv
  return {
    confirm: (environment) => HUB.confirm(environment),
    read: broken.includes('read') ? fail : (environment, held) => HUB.read(environment, held),
    blob: broken.includes('blob') ? fail : (environment, hash) => HUB.blob(environment, hash),
    fetch: broken.includes('fetch')
      ? fail
      : (input: RequestInfo | URL, init?: RequestInit) => HUB.fetch(input, init),
  }
}
