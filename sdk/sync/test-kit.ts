/** A world for a reader: a clock that stands still until it is moved, and an edge that does what it is told. */
import { changesBetween } from '@halyard/shared/protocol/delta.ts'
import type { Head } from '@halyard/shared/protocol/head.ts'
import { heartbeatSec, type ServerClassMessage } from '@halyard/shared/protocol/stream.ts'
import { makeClock } from '../../test/simulator/clock.ts'
import { hashNow, seal, unseal } from '../../test/simulator/sealing.ts'
import { startReader } from './reader.ts'
import type { RulesetAnswer, RulesetAsk, StreamHears } from './reader-ports.ts'

export const environment = 'env_1'

export interface Made {
  readonly signedHead: string
  readonly body: string
}

/** A signed version. `rest` replaces what would be right. */
export function make(version: number, rest: Partial<Head> & { readonly body?: string } = {}): Made {
  const { body = `flag\ta\t{"v":${version}}\nflag\tb\t{}`, ...overrides } = rest
  const head = {
    environment,
    epoch: 1,
    version,
    snapshotHash: hashNow(body),
    accessHash: 'access',
    clientHash: 'client',
    size: Buffer.byteLength(body),
    schema: 1,
    compiler: 1,
    time: 0,
    ...overrides,
  }
  return { signedHead: seal(head), body }
}

export const hello = ({ signedHead }: Made): ServerClassMessage => ({
  kind: 'hello',
  signedHead,
  heartbeatSec,
})
export const snapshot = (made: Made): ServerClassMessage => ({ kind: 'snapshot', ...made })
export const heartbeat = ({ signedHead }: Made, confirmedAt: number): ServerClassMessage => ({
  kind: 'head',
  signedHead,
  confirmedAt,
})
export const delta = (from: Made, to: Made): ServerClassMessage => ({
  kind: 'delta',
  signedHead: to.signedHead,
  base: hashNow(from.body),
  ...changesBetween(from.body, to.body),
})
export const ruleset = (made: Made, ageMs: number | null = 0): RulesetAnswer => ({
  kind: 'ruleset',
  signedHead: made.signedHead,
  content: { body: made.body },
  ageMs,
})

export interface Stream {
  readonly since: string | null
  readonly openedAt: number
  readonly hears: StreamHears
  readonly sent: string[]
  isClosed: boolean
}

/** A reader, the streams that it opened, and what it asked for; `random` is 1 unless it is told. */
export function makeWorld() {
  const clock = makeClock(1_000_000)
  const start = clock.now()
  const streams: Stream[] = []
  const asked: { readonly at: number; readonly ask: RulesetAsk }[] = []
  const reports: string[] = []
  const edge = {
    answer: async (_ask: RulesetAsk): Promise<RulesetAnswer> => ({ kind: 'failed', reason: 'down' }),
    random: () => 0.999_999,
    hash: async (text: string) => hashNow(text),
  }
  const reader = startReader(environment, {
    openStream: (since, hears) => {
      const stream: Stream = { since, openedAt: clock.now() - start, hears, sent: [], isClosed: false }
      streams.push(stream)
      return {
        send: (text) => stream.sent.push(text),
        close: () => {
          stream.isClosed = true
        },
      }
    },
    fetchRuleset: (ask) => {
      asked.push({ at: clock.now() - start, ask })
      return edge.answer(ask)
    },
    verify: async (signedHead) => unseal(signedHead),
    hash: (text) => edge.hash(text),
    now: clock.now,
    steadyNow: clock.now,
    random: () => edge.random(),
    setTimer: clock.after,
    report: (what) => reports.push(what),
  })
  const pass = (ms: number) => clock.runUntil(clock.now() + ms, () => {})
  /** The newest stream sends these, in order. */
  const tell = async (...messages: readonly ServerClassMessage[]) => {
    for (const message of messages) streams.at(-1)?.hears.heard(JSON.stringify(message))
    await pass(0)
  }
  const open = () => streams.at(-1)?.hears.opened()
  return { reader, streams, asked, reports, edge, clock, pass, tell, open }
}

/** A reader that holds 1.1, or what is given, over a stream. */
export async function connected(made: Made = make(1)) {
  const world = makeWorld()
  world.open()
  await world.tell(hello(made), snapshot(made))
  return world
}
