/**
 * Messages of a relay as Server-Sent Events (HTML standard, 9.2). A format is made for each stream, and remembers what
 * it has told. The id of an event is the version that its reader holds once it has heard it: what is sent along as
 * `Last-Event-ID` after a break is where to go on from.
 */
import type { ServerMessage } from '@halyard/shared/protocol/stream.ts'
import {
  compareVersions,
  formatVersion,
  parseVersion,
  type Version,
} from '@halyard/shared/protocol/version.ts'

export interface SseFormat {
  /** The events that tell of a message; `text` is the message as it came. Empty: there is nothing to tell. */
  readonly tell: (message: ServerMessage, text: string) => string
  /** The last thing that is told: come back after so long. */
  readonly goaway: (retryAfterMs: number) => string
}

/** A line that does nothing but show that the stream lives. */
const comment = ': alive\n\n'

/** Our own: events are named after the kinds of messages, and carry the same JSON. */
export function ownFormat(since: string | null): SseFormat {
  return {
    tell: (message, text) => {
      if (message.kind === 'pong' || message.kind === 'goaway') return ''
      const id = ownId(message, since)
      return `event: ${message.kind}\n${id === null ? '' : `id: ${id}\n`}data: ${text}\n\n`
    },
    goaway: (retryAfterMs) =>
      `retry: ${retryAfterMs}\nevent: goaway\ndata: ${JSON.stringify({ kind: 'goaway', retryAfterMs })}\n\n`,
  }
}

/**
 * OFREP's event stream (its ADR 0008): unnamed events of type `refetchEvaluation`, whose `etag` comes back as
 * `flagConfigEtag` of the next bulk evaluation. The published web provider fetches on nothing else: not after a
 * reconnect, and not again if a fetch failed. So it is told at once when it comes new or with an old id (what it holds
 * may be older than the stream), and once more at the heartbeat after a change.
 */
export function ofrepFormat(lastEventId: string | null): SseFormat {
  let told = lastEventId
  let isRepeatOwed = false
  const refetch = (version: string, isChange: boolean) => {
    told = version
    isRepeatOwed = isChange
    return `id: ${version}\ndata: ${JSON.stringify({ type: 'refetchEvaluation', etag: version })}\n\n`
  }
  return {
    tell: (message) => {
      const version = versionOf(message)
      if (version === null) return message.kind === 'head' ? comment : ''
      const isNew = isNewer(version, told)
      switch (message.kind) {
        case 'hello':
          if (isNew) return refetch(version, lastEventId !== null)
          return `id: ${told}\ndata: {"type":"connected"}\n\n`
        case 'head':
          return isNew || isRepeatOwed ? refetch(version, isNew) : comment
        default:
          return isNew ? refetch(version, true) : ''
      }
    },
    goaway: (retryAfterMs) => `retry: ${retryAfterMs}\n: goaway\n\n`,
  }
}

/** A hello brings nothing yet: its reader holds what it came with, or knows nothing older. */
function ownId(message: ServerMessage, since: string | null): string | null {
  switch (message.kind) {
    case 'hello':
      return since ?? ('version' in message ? message.version : null)
    case 'changed':
    case 'delta':
    case 'snapshot':
      return versionOf(message)
    default:
      return null
  }
}

/** The version that a message is about; its signature is its reader's to check. */
function versionOf(message: ServerMessage): string | null {
  if ('version' in message) return message.version
  if (!('signedHead' in message)) return null
  try {
    const payload = message.signedHead.split('.')[1] ?? ''
    const head = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/'))) as Version // checked below
    const token = formatVersion(head)
    return parseVersion(token) && token
  } catch {
    return null // no head: there is nothing that it could be told by
  }
}

function isNewer(version: string, than: string | null): boolean {
  const [a, b] = [parseVersion(version), parseVersion(than ?? '')]
  return a !== null && (b === null || compareVersions(a, b) > 0)
}
