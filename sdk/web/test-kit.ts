/** A page whose clock, network and sight are the test's, and answers as the edge gives them. */
import { makeWebClient } from './make-web-client.ts'
import type { WebClient, WebClientOptions } from './web-client.ts'
import type { PageEvent, WebPorts } from './web-ports.ts'

export interface Asked {
  readonly url: string
  readonly headers: Headers
  readonly body: { readonly context?: unknown; readonly events?: readonly Record<string, unknown>[] }
  readonly signal: AbortSignal
  /** Gives the answer, from then on. */
  readonly answer: (response: Response) => void
  readonly fail: () => void
}

export interface FakeStream {
  readonly url: string
  readonly say: (kind: string, version: string) => void
  /** The connection breaks (0), or is over for good (2). */
  readonly break: (readyState: 0 | 2) => void
  readonly isClosed: () => boolean
}

export const edge = 'https://flags.example'
export const key = 'hyd_cli_test'

/** A client on a page of its own, started; `asked` are its requests in order. */
export function openPage(options: Partial<WebClientOptions> = {}, ports: Partial<WebPorts> = {}) {
  const page = makePage(ports)
  const made = makeWebClient<Record<string, never>>(
    { edge, key, context: { targetingKey: 'user-1' }, storage: null, ...options },
    page.ports,
  )
  const stop = made.start()
  return { ...page, client: made.client as WebClient, start: made.start, stop }
}

/** A page that was answered once, with a stream that is open. */
export async function openLivePage() {
  const page = openPage()
  page.asked[0]?.answer(answerOf({ a: false }))
  await settle()
  page.streams[0]?.say('hello', '1.1')
  return page
}

export function makePage(given: Partial<WebPorts> = {}) {
  const asked: Asked[] = []
  const streams: FakeStream[] = []
  const timers = new Set<{ readonly at: number; readonly run: () => void }>()
  const listeners: [PageEvent, () => void][] = []
  const state = { ticks: 0, isHidden: false }
  const ports: WebPorts = {
    fetch: (url, init) => keepRequest(asked, String(url), init ?? {}),
    EventSource: fakeStreams(streams),
    now: () => 1_800_000_000_000 + state.ticks,
    ticks: () => state.ticks,
    random: () => 0.5,
    after: (ms, run) => {
      const timer = { at: state.ticks + ms, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    isHidden: () => state.isHidden,
    onPage: (event, run) => {
      const entry: [PageEvent, () => void] = [event, run]
      listeners.push(entry)
      return () => void listeners.splice(listeners.indexOf(entry), 1)
    },
    ...given,
  }
  const fire = async (event: PageEvent) => {
    for (const [name, run] of listeners) if (name === event) run()
    await settle()
  }
  return {
    ports,
    asked,
    streams,
    fire,
    timers: () => timers.size,
    /** Lets so many milliseconds pass, timer by timer. */
    pass: async (ms: number) => {
      await settle()
      const end = state.ticks + ms
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)
        if (!next) break
        timers.delete(next)
        state.ticks = Math.max(state.ticks, next.at)
        next.run()
        await settle() // oxlint-disable-line no-await-in-loop -- one timer after the other
      }
      state.ticks = end
    },
    setHidden: async (isHidden: boolean) => {
      state.isHidden = isHidden
      await fire('visibilitychange')
    },
  }
}

/** Evaluations that were asked for, without what was sent to count them. */
export function questionsOf(asked: readonly Asked[]): readonly Asked[] {
  return asked.filter(({ url }) => url.endsWith('/ofrep/v1/evaluate/flags'))
}

/** A bulk answer; a flag is given by its value. */
export function answerOf(
  flags: Readonly<Record<string, unknown>>,
  { version = '1.1', etag = '', token = 'credential', age = 0 } = {},
): Response {
  const items = Object.entries(flags).map(([name, value]) => ({
    key: name,
    value,
    reason: 'STATIC',
    variant: String(value),
  }))
  const endpoint = { requestUri: `/ofrep/v1/stream?token=${token}` }
  const eventStreams = token === '' ? undefined : [{ type: 'sse', endpoint }]
  const headers = { ETag: etag || `"${version}"`, 'Halyard-Version': version, 'Halyard-Age': String(age) }
  return Response.json({ flags: items, eventStreams }, { headers })
}

export function sameAs(version: string): Response {
  return new Response(null, { status: 304, headers: { 'Halyard-Version': version, 'Halyard-Age': '0' } })
}

/** Storage as a browser has it; `full` throws when something is put there. */
export function makeStorage() {
  const items = new Map<string, string>()
  return {
    items,
    isFull: false,
    getItem: (name: string) => items.get(name) ?? null,
    setItem(name: string, value: string) {
      if (this.isFull) throw new Error('QuotaExceededError')
      items.set(name, value)
    },
  }
}

/** Lets all promises that can go on do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0))
}

function keepRequest(asked: Asked[], url: string, init: RequestInit): Promise<Response> {
  return new Promise((resolve, reject) => {
    const signal = init.signal ?? new AbortController().signal
    signal.addEventListener('abort', () => reject(signal.reason))
    asked.push({
      url,
      headers: new Headers(init.headers),
      body: JSON.parse(String(init.body)),
      signal,
      answer: resolve,
      fail: () => reject(new TypeError('fetch failed')),
    })
  })
}

function fakeStreams(streams: FakeStream[]): typeof EventSource {
  class FakeEventSource extends EventTarget {
    readyState = 0
    constructor(url: string) {
      super()
      streams.push({
        url,
        say: (kind, version) => {
          this.readyState = 1
          this.dispatchEvent(new MessageEvent(kind, { data: JSON.stringify({ kind, version }) }))
        },
        break: (readyState) => {
          this.readyState = readyState
          this.dispatchEvent(new Event('error'))
        },
        isClosed: () => this.readyState === 2,
      })
    }
    close(): void {
      this.readyState = 2
    }
  }
  return FakeEventSource as unknown as typeof EventSource // what of it is used
}
