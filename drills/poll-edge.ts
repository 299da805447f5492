import { setTimeout as wait } from 'node:timers/promises'
import {
  compareVersions,
  formatVersion,
  parseVersion,
  type Version,
} from '@halyard/shared/protocol/version.ts'

export interface PollOptions {
  readonly edgeUrl: string
  readonly key: string
  readonly flag: string
  /** Sends what it has seen as `Halyard-Min-Version`, so that no isolate may answer from less. */
  readonly isMonotone: boolean
  readonly pauseMs: number
}

export interface Poller {
  readonly at: () => Version | null
  /** Of the last answer: seconds since the hub confirmed it, or null if it says that nobody did. */
  readonly ageSec: () => number | null
  readonly counts: Readonly<PollCounts>
  /** Versions that came after higher ones. */
  readonly wentBack: readonly string[]
  /** Versions that were answered in two ways. */
  readonly torn: readonly string[]
  /** Answers without a value. */
  readonly blank: readonly string[]
  /** Forgets the highest version seen: what answers now is another isolate. */
  readonly forget: () => void
  readonly stop: () => Promise<void>
}

export interface PollCounts {
  answers: number
  /** No connection, or 503 and 409, which say that nothing can be said. */
  withoutAnswer: number
  slowestMs: number
}

const answerMaxMs = 10_000

/** Evaluates one flag again and again. */
export function pollEdge(options: PollOptions): Poller {
  const counts: PollCounts = { answers: 0, withoutAnswer: 0, slowestMs: 0 }
  const wentBack: string[] = []
  const blank: string[] = []
  const torn: string[] = []
  const texts = new Map<string, string>()
  let at: Version | null = null
  let ageSec: number | null = null
  const stopping = new AbortController()
  const look = async () => {
    const start = performance.now()
    const response = await ask(options, at)
    counts.slowestMs = Math.max(counts.slowestMs, performance.now() - start)
    const text = await response.text()
    const seen = parseVersion(response.headers.get('halyard-version') ?? '')
    if (response.status !== 200) {
      counts.withoutAnswer += 1
      if (response.status !== 503 && response.status !== 409)
        blank.push(`${response.status} ${text.slice(0, 200)}`)
      return
    }
    counts.answers += 1
    if (!seen || JSON.parse(text).value === undefined) return void blank.push(text.slice(0, 200))
    const token = formatVersion(seen)
    if ((texts.get(token) ?? text) !== text) torn.push(`${token}: ${text} and ${texts.get(token)}`)
    texts.set(token, text)
    if (at && compareVersions(seen, at) < 0) wentBack.push(`${token} after ${formatVersion(at)}`)
    at = seen
    ageSec =
      response.headers.get('halyard-confirmed') === 'false'
        ? null
        : Number(response.headers.get('halyard-age'))
  }
  const run = async () => {
    while (!stopping.signal.aborted) {
      await look().catch(() => (counts.withoutAnswer += 1)) // oxlint-disable-line no-await-in-loop -- workerd is being killed
      await wait(options.pauseMs) // oxlint-disable-line no-await-in-loop
    }
  }
  const ended = run()
  const stop = async () => {
    stopping.abort()
    await ended
  }
  return {
    at: () => at,
    ageSec: () => ageSec,
    counts,
    wentBack,
    torn,
    blank,
    forget: () => void (at = null),
    stop,
  }
}

function ask({ edgeUrl, key, flag, isMonotone }: PollOptions, at: Version | null): Promise<Response> {
  return fetch(`${edgeUrl}/ofrep/v1/evaluate/flags/${flag}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      ...(isMonotone && at && { 'halyard-min-version': formatVersion(at) }),
    },
    body: '{"context":{"targetingKey":"user-1"}}',
    signal: AbortSignal.timeout(answerMaxMs),
  })
}
