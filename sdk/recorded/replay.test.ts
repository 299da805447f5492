/**
 * What edges of released versions sent, replayed into the reader of today. `node test/record-streams.ts` makes a folder; none
 * is edited after its release: who says otherwise has broken what is in the field.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ClientClassMessage } from '@halyard/shared/contract/stream.ts'
import { evaluateAll } from '@halyard/shared/engine/evaluate.ts'
import { loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeClock } from '../../test/simulator/clock.ts'
import { startReader } from '../sync/reader.ts'
import type { RulesetAnswer, RulesetAsk, StreamHears } from '../sync/reader-ports.ts'
import { trustGiven, type TrustedKeys } from '../sync/trust.ts'
import { makeRulesetFetch } from '../transport/ruleset-fetch.ts'
import { makeEventParser } from '../transport/stream-events.ts'

interface About {
  readonly protocol: string
  readonly environment: string
  readonly trustedKeys: TrustedKeys
  /** The versions before and after the changes, as tokens. */
  readonly first: string
  readonly last: string
  readonly recordedAt: number
}

interface Heard {
  readonly since: string | null
  readonly messages: readonly string[]
  readonly closeCode: number | null
}

interface Ruleset {
  readonly since: string | null
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

interface Decided {
  readonly context: Readonly<Record<string, string>>
  /** As the edge writes them: no empty metadata, and no reason beside an error's code. */
  readonly flags: readonly object[]
}

const versions = readdirSync(import.meta.dirname).filter((name) => /^v\d+$/.test(name))
const text = (version: string, name: string) => readFileSync(join(import.meta.dirname, version, name), 'utf8')
const read = <T>(version: string, name: string): T => JSON.parse(text(version, name)) // as the recorder wrote it
const aboutOf = (version: string) => read<About>(version, 'about.json')
const streamsOf = (version: string) => {
  const [whole, resumed, silent] = read<readonly Heard[]>(version, 'server-streams.json')
  if (!whole || !resumed || !silent) throw new Error('three streams are recorded')
  return { whole, resumed, silent }
}
const kindsOf = (messages: readonly string[]) =>
  messages.map((message) => (JSON.parse(message) as { kind: string }).kind)

/** A reader of that environment at the time of the recording, with a stream that the test speaks on. */
function makeWorld(version: string, fetchRuleset?: (ask: RulesetAsk) => Promise<RulesetAnswer>) {
  const { environment, trustedKeys, recordedAt } = aboutOf(version)
  const clock = makeClock(recordedAt)
  const work = new Set<Promise<unknown>>()
  const noted = async <T>(promise: Promise<T>): Promise<T> => {
    work.add(promise)
    return await promise.finally(() => work.delete(promise))
  }
  const { verify } = trustGiven(trustedKeys)
  const streams: { readonly since: string | null; readonly hears: StreamHears; readonly sent: string[] }[] =
    []
  const [seen, reports]: [string[], string[]] = [[], []]
  const asked: RulesetAsk[] = []
  const reader = startReader(environment, {
    openStream: (since, hears) => {
      const sent: string[] = []
      streams.push({ since, hears, sent })
      return { send: (message) => sent.push(message), close: () => {} }
    },
    fetchRuleset: async (ask) => {
      asked.push(ask)
      return (await fetchRuleset?.(ask)) ?? { kind: 'failed', reason: 'not recorded' }
    },
    verify: (signedHead) => noted(verify(signedHead)),
    hash: (body) => noted(sha256Hex(body)),
    now: clock.now,
    steadyNow: clock.now,
    random: () => 0.5,
    setTimer: clock.after,
    report: (what) => reports.push(what),
  })
  reader.onChange(({ token }) => seen.push(token))
  const hear = async (messages: readonly string[]) => {
    streams.at(-1)?.hears.opened()
    for (const message of messages) streams.at(-1)?.hears.heard(message)
    await pass(0)
  }
  /** Signatures and hashes are made elsewhere, and take no time on this clock. */
  const pass = async (ms: number) => {
    await clock.runUntil(clock.now() + ms, () => {})
    while (work.size > 0) {
      await Promise.all(work) // oxlint-disable-line no-await-in-loop -- what follows from it may be more of it
      await clock.runUntil(clock.now(), () => {}) // oxlint-disable-line no-await-in-loop
    }
  }
  return { reader, pass, streams, seen, asked, reports, hear }
}

/** What the reader holds is what that release had, and decides as it did. */
async function expectLast(version: string, { reader, reports }: ReturnType<typeof makeWorld>): Promise<void> {
  const copy = reader.snapshot()
  const { last } = aboutOf(version)
  const [whole] = read<readonly Ruleset[]>(version, 'rulesets.json')
  const { body } = JSON.parse(whole?.text ?? '{}') as { body?: string }
  expect({ token: copy?.token, reports }).toEqual({ token: last, reports: [] })
  expect(copy?.body).toBe(body)
  expect(`"${await sha256Hex(copy?.body ?? '')}"`).toBe(whole?.headers['etag'])
  const snapshot = loadSnapshot(copy?.body ?? '')
  for (const { context, flags } of read<readonly Decided[]>(version, 'decisions.json')) {
    const decided = evaluateAll(snapshot, context, aboutOf(version).recordedAt)
    const told = flags.map((flag) => ({
      metadata: {},
      ...('errorCode' in flag && { reason: 'ERROR' }),
      ...flag,
    }))
    expect(decided).toEqual(told)
  }
}

test('there is a recording of each protocol version that was released', () => {
  expect(versions).toContain('v1')
})

test.each(versions)(
  '%s: a stream from the beginning leads through every version to the last',
  async (version) => {
    const { whole } = streamsOf(version)
    const kinds = kindsOf(whole.messages)
    expect(kinds.slice(0, 2)).toEqual(['hello', 'snapshot'])
    expect(new Set(kinds)).toEqual(new Set(['hello', 'snapshot', 'delta', 'head', 'pong']))
    expect(whole.messages.some((message) => /"splice":\[\[/.test(message))).toBe(true)
    const world = makeWorld(version)
    await world.hear(whole.messages)
    await expectLast(version, world)
    expect(world.seen).toHaveLength(1 + kinds.filter((kind) => kind === 'delta').length)
    expect(world.reader.status()).toMatchObject({
      phase: 'live',
      isConnected: true,
      refusedCount: 0,
      error: null,
    })
    expect(world.reader.status().ageMs).not.toBeNull() // a heartbeat confirmed it
    expect(world.streams.at(-1)?.sent).toContain('{"kind":"ping"}')
    expect(world.asked).toEqual([])
  },
)

test.each(versions)('%s: a reader that comes back is led on from what it holds', async (version) => {
  const { whole, resumed } = streamsOf(version)
  const world = makeWorld(version)
  await world.hear(whole.messages.slice(0, 2))
  expect(world.reader.snapshot()?.token).toBe(resumed.since)
  await world.hear(resumed.messages)
  expect(kindsOf(resumed.messages)).not.toContain('snapshot')
  await expectLast(version, world)
})

test.each(versions)(
  '%s: a goaway ends the stream, and it is opened again no sooner than it says',
  async (version) => {
    const { silent } = streamsOf(version)
    expect([kindsOf(silent.messages).at(-1), silent.closeCode]).toEqual(['goaway', 1013])
    const { retryAfterMs } = JSON.parse(silent.messages.at(-1) ?? '') as { retryAfterMs: number }
    const world = makeWorld(version)
    await world.hear(silent.messages)
    await expectLast(version, world)
    expect(world.reader.status().isConnected).toBe(false)
    await world.pass(retryAfterMs - 1)
    expect(world.streams).toHaveLength(1)
    await world.pass(60_000)
    expect(world.streams.at(1)?.since).toBe(aboutOf(version).last)
  },
)

test.each(versions)('%s: the same as Server-Sent Events', async (version) => {
  const messages: string[] = []
  const parse = makeEventParser((data) => messages.push(data))
  for (const piece of text(version, 'server-events.txt').match(/[^]{1,1000}/g) ?? []) parse(piece)
  const world = makeWorld(version)
  await world.hear(messages)
  await expectLast(version, world)
})

test.each(versions)('%s: rulesets, whole and as deltas, where there is no stream', async (version) => {
  const [whole, deltas] = read<readonly Ruleset[]>(version, 'rulesets.json')
  if (!whole || !deltas) throw new Error('two rulesets are recorded')
  expect(deltas.text).toContain('"deltas":[{')
  const urls: string[] = []
  const answer = async (url: URL) => {
    urls.push(`${url.pathname}${url.search}`)
    const { text: body, headers } = url.searchParams.get('since') === deltas.since ? deltas : whole
    return new Response(body, { headers })
  }
  const fetchRuleset = makeRulesetFetch('https://edge.test', 'key', answer)
  const first = makeWorld(version, fetchRuleset)
  first.streams[0]?.hears.ended({ reason: 'no streams here' })
  await first.pass(20_000)
  await expectLast(version, first)

  const second = makeWorld(version, fetchRuleset)
  const { signedHead, body } = JSON.parse(streamsOf(version).whole.messages[1] ?? '') as Record<
    'signedHead' | 'body',
    string
  >
  await second.reader.offer({ signedHead, body }, 'store')
  second.streams[0]?.hears.ended({ reason: 'no streams here' })
  await second.pass(60_000)
  await expectLast(version, second)
  expect(urls).toContain(`/v1/ruleset?since=${deltas.since}`)
})

const spoken = (all: readonly string[]) => all.filter((message) => !/"kind":"(?:pong|head)"/.test(message))

test.each(versions)(
  '%s: what a client key was told is what readers of class client expect',
  async (version) => {
    const { messages } = read<Heard>(version, 'client-stream.json')
    const told = messages.map((message) => ClientClassMessage.parse(JSON.parse(message)))
    expect(told[0]?.kind).toBe('hello')
    const changes = told.flatMap((message) => (message.kind === 'changed' ? [message.version] : []))
    expect(changes.length).toBeGreaterThan(1)
    expect(told.findLast(({ kind }) => kind === 'head')).toMatchObject({ version: changes.at(-1) })
    // What is said of the rest would tell of hidden flags.
    expect(messages.join('')).not.toMatch(/signedHead|body/)
    const events: string[] = []
    const parse = makeEventParser((data) => events.push(data))
    parse(text(version, 'client-events.txt'))
    expect(spoken(events)).toEqual(spoken(messages))
  },
)
