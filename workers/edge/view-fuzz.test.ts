import { beforeEach, expect, test, vi } from 'vitest'
import type { JWK } from 'jose'
import { formatBody } from '@halyard/shared/engine/snapshot.ts'
import { changesBetween } from '@halyard/shared/protocol/delta.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { signHead, snapshotSchema, snapshotSizeMax, type Head } from '@halyard/shared/protocol/head.ts'
import { formatKvValue, kvNames, type Publication, type ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import type { EdgeEnv } from './env.ts'
import {
  bodyOf,
  edgeEnv,
  hubWithout,
  makeWorld,
  publicationOf,
  sampleFlags,
  startEdge,
  type Published,
} from './test-kit.ts'
import { makeRandom } from './view-kit.ts'

/** What a source may offer: a publication, and the deltas to it. */
interface Goods extends Publication {
  readonly deltas: NonNullable<ReadAnswer['deltas']>
}

type Source = 'hub' | 'deltas' | 'kv' | 'cache'

const sources: readonly Source[] = ['hub', 'deltas', 'kv', 'cache']
const minuteMs = 60_000
const newFlags = { ...sampleFlags, steady: { enabled: false }, late: {} }

const findNothing = async (_url: string): Promise<Response | undefined> => undefined
const rule = (when: object) => ({ rules: [{ id: 'rul_1', when, serve: { variant: 'on' } }] })

// Every fault is logged, as it should be; a defect is none.
beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => undefined))

/** An environment at 1.1, and what leads to its next version. */
async function makeGoods(published: Published = { flags: newFlags }) {
  const world = await makeWorld()
  const keys = [world.server.entry, world.client.entry]
  const first = await world.publish(1)
  const next = await publicationOf(world.environment, 2, { keys, ...published })
  return { ...world, keys, first, goods: await withDeltas(first, next) }
}

async function withDeltas(first: Publication, next: Publication): Promise<Goods> {
  const base = await sha256Hex(first.body)
  return {
    ...next,
    deltas: [{ signedHead: next.signedHead, base, ...changesBetween(first.body, next.body) }],
  }
}

/** Bindings and caches of which one source has the goods and no other anything. */
async function offer(source: Source, environment: string, goods: Goods) {
  const confirmedAt = Date.now() + minuteMs
  const { signedHead, body, access, deltas } = goods
  const HUB: EdgeEnv['HUB'] = {
    ...hubWithout('read'),
    ...(source === 'hub' && { read: async () => ({ signedHead, confirmedAt, body, access }) }),
    ...(source === 'deltas' && {
      read: async (_, held) =>
        held.takesDeltas
          ? { signedHead, confirmedAt, deltas, access }
          : await Promise.reject(new Error('none')),
    }),
  }
  const values: Readonly<Record<string, string>> = {
    [kvNames.snapshot(environment)]: formatKvValue({ signedHead, confirmedAt }, body),
    [kvNames.access(environment)]: formatKvValue({ signedHead, confirmedAt }, access),
  }
  const get = async (name: string) => (source === 'kv' ? values[name] : undefined) ?? null
  const named: Readonly<Record<string, string>> = {
    head: JSON.stringify({ signedHead, confirmedAt }),
    [await namedHash(signedHead, 'snapshotHash')]: body,
    [await namedHash(signedHead, 'accessHash')]: access,
  }
  const match = async (url: string) => {
    const found = source === 'cache' ? named[url.slice(url.lastIndexOf('/') + 1)] : undefined
    return found === undefined ? undefined : new Response(found)
  }
  return { bindings: { HUB, SNAPSHOTS: { get } as unknown as KVNamespace }, match }
}

/** The hash that a head names, signed by whomever. */
async function namedHash(signedHead: string, field: 'snapshotHash' | 'accessHash'): Promise<string> {
  try {
    const payload = signedHead.split('.')[1] ?? ''
    return (JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as Head)[field]
  } catch {
    return 'none' // it was spoilt
  }
}

/** An edge that holds 1.1 and is then offered something; what it holds after that, and how it answers. */
async function showTo(
  { environment, server }: Awaited<ReturnType<typeof makeGoods>>,
  source: Source,
  goods: Goods,
) {
  let match: typeof findNothing = findNothing
  const cache = { match: async (url: string) => await match(url), put: async () => undefined }
  const places = { open: async () => cache } as unknown as Pick<CacheStorage, 'open'>
  const { call, bindings, clock, settle } = startEdge({}, undefined, places)
  expect((await call('/v1/status', { key: server.text })).status).toBe(200)
  const offered = await offer(source, environment, goods)
  Object.assign(bindings, offered.bindings)
  match = offered.match
  clock.aheadMs = minuteMs
  await call('/v1/status', { key: server.text })
  await settle()
  const { refused } = await (await call('/v1/status', { key: server.text })).json<{ refused: number }>()
  const ruleset = await call('/v1/ruleset', { key: server.text })
  const all = await call('/v1/evaluate', { key: server.text, body: { context: { targetingKey: 'user-1' } } })
  return {
    refused,
    status: [ruleset.status, all.status],
    version: ruleset.headers.get('Halyard-Version'),
    held: await ruleset.json<{ signedHead: string; body: string }>(),
    flags: (await all.json<{ flags: { key: string; errorCode?: string; value?: unknown }[] }>()).flags,
  }
}

const spoilers: readonly ((text: string, random: () => number) => string)[] = [
  (text, random) => {
    const at = Math.floor(random() * text.length)
    const unit = text.charCodeAt(at) ^ (1 << Math.floor(random() * 7))
    return text.slice(0, at) + String.fromCharCode(unit) + text.slice(at + 1)
  },
  (text, random) => text.slice(0, Math.floor(random() * text.length)),
  (text, random) => text.slice(Math.floor(random() * text.length)) + text,
  (text) => `${text}\nflag\tzzz\t{}`,
]

/** The goods with one of their texts spoilt. */
function spoil(goods: Goods, source: Source, random: () => number): Goods {
  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)]
  const change = pick(spoilers) ?? spoilers[0]
  const spoilt = (text: string) => change?.(text, random) ?? text
  const [delta] = goods.deltas
  const fields =
    source === 'deltas' ? (['signedHead', 'deltas'] as const) : (['signedHead', 'body', 'access'] as const)
  const field = pick<keyof Goods>(fields)
  if (field !== 'deltas' || !delta)
    return { ...goods, [field ?? 'body']: spoilt(goods[field as 'body'] ?? '') }
  const part = pick(['signedHead', 'base', 'set', 'remove', 'splice'] as const)
  const changed =
    part === 'set'
      ? delta.set.map(spoilt)
      : part === 'remove'
        ? [spoilt('flag\tbanner')]
        : part === 'splice'
          ? [['flag\tsteady', Math.floor(random() * 900), Math.floor(random() * 9), spoilt('true')]]
          : spoilt(delta[part ?? 'base'])
  return { ...goods, deltas: [{ ...delta, [part ?? 'base']: changed }] }
}

test.each(sources)('what is sound is taken from each source: %s', async (source) => {
  const world = await makeGoods()
  const shown = await showTo(world, source, world.goods)
  expect(shown.version).toBe('1.2')
  expect(shown.held).toEqual({ signedHead: world.goods.signedHead, body: world.goods.body })
  expect(shown.refused).toBe(0)
})

test.each(sources)(
  'no spoilt bytes crash, blank or tear a reader, and each are counted: %s',
  async (source) => {
    const world = await makeGoods()
    const random = makeRandom(sources.indexOf(source) + 1)
    const defects = vi.spyOn(console, 'error')
    const good = [world.first, world.goods].map(({ signedHead, body }) => ({ signedHead, body }))
    for (let i = 0; i < 100; i++) {
      const goods = spoil(world.goods, source, random)
      const shown = await showTo(world, source, goods)
      const what = JSON.stringify([i, goods.signedHead.slice(-20), goods.body.slice(0, 80), goods.deltas])
      expect(shown.status, what).toEqual([200, 200])
      expect(good, what).toContainEqual(shown.held)
      const isTaken = shown.held.signedHead === world.goods.signedHead
      expect(shown.flags.find(({ key }) => key === 'steady')?.value, what).toBe(!isTaken)
      // KV's two values are taken one by one: where the access record is spoilt, the snapshot is none the worse.
      if (!isTaken) expect(shown.refused, what).toBeGreaterThan(0)
    }
    expect(defects).not.toHaveBeenCalled()
  },
  60_000,
)

test.each(sources)(
  'what is not meant for this reader is refused, and the last good copy stays: %s',
  async (source) => {
    const world = await makeGoods()
    const { environment, keys, first, goods } = world
    const signer = JSON.parse(edgeEnv.SIGNING_KEY) as JWK
    const headOf = async (change: Partial<Head>) => {
      const [body, access] = [goods.body, goods.access]
      const [snapshotHash, accessHash] = [await sha256Hex(body), await sha256Hex(access)]
      const counts = { epoch: 1, version: 2, size: body.length, schema: snapshotSchema, compiler: 1, time: 1 }
      const head = { environment, snapshotHash, accessHash, clientHash: '', ...counts, ...change }
      return await withDeltas(first, { body, access, signedHead: await signHead(head, signer) })
    }
    const strange = await withDeltas(
      first,
      await publicationOf((await makeWorld()).environment, 2, { keys, flags: newFlags }),
    )
    const huge = bodyOf(newFlags, [`segment\tx\t"${'x'.repeat(2 * snapshotSizeMax)}"`])
    const wrong: Readonly<Record<string, Goods>> = {
      'of another environment': strange,
      "another environment's body under its head": {
        ...goods,
        body: strange.body.replace('on', 'no'),
        deltas: [],
      },
      'of a newer schema': await headOf({ schema: snapshotSchema + 1 }),
      'of another hash': await headOf({ snapshotHash: await sha256Hex('other') }),
      'of another size': await headOf({ size: goods.body.length + 1 }),
      'from the day after tomorrow': await headOf({ time: Date.now() + 48 * 60 * minuteMs }),
      'of twice the size': await withDeltas(first, await publicationOf(environment, 2, { keys, body: huge })),
      'of a lower epoch': await withDeltas(
        first,
        await publicationOf(environment, 9, { keys, flags: newFlags, epoch: 0 }),
      ),
      'of the same version': await withDeltas(
        first,
        await publicationOf(environment, 1, { keys, flags: newFlags }),
      ),
    }
    for (const [what, goodsOf] of Object.entries(wrong)) {
      const shown = await showTo(world, source, goodsOf)
      expect([what, shown.status, shown.held]).toEqual([
        what,
        [200, 200],
        { signedHead: first.signedHead, body: first.body },
      ])
    }
  },
  60_000,
)

test.each(sources)(
  'what a reader does not know, or is beyond a limit, is an error of that flag alone: %s',
  async (source) => {
    const flags = {
      ...sampleFlags,
      newer: rule({ attribute: 'country', op: 'soundsLike', value: 'CA' }) as object,
      serves: { fallthrough: { lottery: 5 } } as object,
      many: rule({
        any: Array.from({ length: 400 }, () => ({ attribute: 'a', op: 'eq', value: 1 })),
      }) as object,
    }
    const lines = ['planet\tmars\t{"moons":2}']
    const world = await makeGoods({ body: formatBody([...bodyOf(flags).split('\n'), ...lines]), flags })
    const { version, flags: answered, refused } = await showTo(world, source, world.goods)
    expect([version, refused]).toEqual(['1.2', 0])
    const errors = answered.filter(({ errorCode }) => errorCode !== undefined)
    expect(errors.map(({ key, errorCode }) => [key, errorCode])).toEqual([
      ['broken', 'PARSE_ERROR'],
      ['many', 'PARSE_ERROR'],
      ['newer', 'PARSE_ERROR'],
      ['serves', 'PARSE_ERROR'],
    ])
    expect(answered.find(({ key }) => key === 'steady')).toMatchObject({ value: true })
  },
)
