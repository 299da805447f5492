/**
 * The stream that tells of changes (docs/streams.md): an EventSource, which comes back by itself after a break and goes on
 * from what it heard last. Only a refusal ends it, such as that of a credential that is too old.
 */
import type { Edge } from './post.ts'

export interface Notices {
  readonly isLive: () => boolean
  readonly close: () => void
}

export interface NoticeListener {
  /** The answers last changed at this version. */
  readonly heard: (version: string) => void
  /** The connection broke; it comes back by itself. */
  readonly broke: () => void
  /** It does not come back. */
  readonly ended: () => void
}

/** The edge says something every 15 s. */
const silenceMaxMs = 45_000
const closed = 2

/** Undefined where there are no such streams. */
export function openNotices(
  { edge, ports }: Edge,
  credential: string,
  listener: NoticeListener,
): Notices | undefined {
  const source = open(ports.EventSource, `${edge}/v1/stream?token=${credential}`)
  if (!source) return undefined
  let isLive = false
  let stopTimer: (() => void) | undefined
  const close = () => {
    isLive = false
    stopTimer?.()
    source.close()
  }
  const end = () => {
    close()
    listener.ended()
  }
  const waitOn = () => {
    stopTimer?.()
    stopTimer = ports.after(silenceMaxMs, end)
  }
  const hear = ({ data }: MessageEvent<string>) => {
    const version = /"version":"(\d+\.\d+)"/.exec(data)?.[1]
    if (!version) return // garbled on its way: the next one comes within 15 s
    waitOn()
    isLive = true
    listener.heard(version)
  }
  for (const kind of ['hello', 'changed', 'head']) source.addEventListener(kind, hear as EventListener) // of these kinds all have data
  source.addEventListener('error', () => {
    isLive = false
    if (source.readyState === closed) return end()
    waitOn()
    listener.broke()
  })
  waitOn()
  return { isLive: () => isLive, close }
}

function open(Source: typeof EventSource | undefined, url: string): EventSource | null {
  try {
    return Source ? new Source(url) : null
  } catch {
    return null // the page may not: it polls
  }
}
