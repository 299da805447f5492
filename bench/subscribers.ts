import { setTimeout as wait } from 'node:timers/promises'
import { pingText, streamProtocol } from '@halyard/shared/protocol/stream.ts'
import { openLeanSocket, type LeanSocket } from '../dev/lean-socket.ts'

/** Sockets of class server of one environment. */
export interface Subscribers {
  /** When a version came to each of those it has come to, as performance.now() says. */
  readonly arrivals: (token: string) => readonly number[]
  /** Bytes on the wire to all of them so far. */
  readonly bytesRead: () => number
  readonly close: () => void
}

export interface SubscribersWish {
  readonly edgeUrl: string
  readonly key: string
  readonly size: number
}

interface Opened {
  readonly socket: LeanSocket
  readonly greeted: Promise<boolean>
}

const together = 50
const tokensMax = 1_000

/** Opens so many, a few at a time, and resolves when each has been given the snapshot. */
export async function openSubscribers({ edgeUrl, key, size }: SubscribersWish): Promise<Subscribers> {
  const sockets: LeanSocket[] = []
  const arrived = new Map<string, number[]>()
  const tokensCache = new Map<string, string>()
  const note = (text: string) => {
    const now = performance.now()
    const token = tokenIn(text, tokensCache)
    const times = arrived.get(token) ?? []
    times.push(now)
    arrived.set(token, times)
  }
  const openOne = async (): Promise<void> => {
    const { socket, greeted } = open({ edgeUrl, key, note })
    if (await greeted) return void sockets.push(socket)
    await wait(1_000)
    await openOne()
  }
  for (let left = size; left > 0; left -= together)
    await Promise.all(Array.from({ length: Math.min(left, together) }, openOne)) // oxlint-disable-line no-await-in-loop -- a few at a time
  return {
    arrivals: (token) => arrived.get(token) ?? [],
    bytesRead: () => sockets.reduce((sum, socket) => sum + socket.bytesRead(), 0),
    close: () => sockets.forEach((socket) => socket.end()),
  }
}

interface OneWish {
  readonly edgeUrl: string
  readonly key: string
  readonly note: (text: string) => void
}

function open({ edgeUrl, key, note }: OneWish): Opened {
  const greeted = Promise.withResolvers<boolean>()
  const target = {
    url: `${edgeUrl}/v1/stream`,
    headers: { authorization: `Bearer ${key}` },
    protocol: streamProtocol,
  }
  const socket = openLeanSocket(target, {
    onText: (payload) => {
      const text = payload.toString()
      if (text.startsWith('{"kind":"head"')) socket.send(pingText)
      if (!/^\{"kind":"(snapshot|delta)"/.test(text)) return
      note(text)
      greeted.resolve(true)
    },
    onEnd: () => greeted.resolve(false),
  })
  return { socket, greeted: greeted.promise }
}

/** The version of the signed head in a message; not verified, as thousands of subscribers share this process. */
function tokenIn(text: string, tokensCache: Map<string, string>): string {
  const payload = /"signedHead":"[\w-]+\.([\w-]+)/.exec(text)?.[1] ?? ''
  const known = tokensCache.get(payload)
  if (known !== undefined) return known
  const { epoch, version } = JSON.parse(Buffer.from(payload, 'base64url').toString())
  if (tokensCache.size >= tokensMax) tokensCache.clear()
  tokensCache.set(payload, `${epoch}.${version}`)
  return `${epoch}.${version}`
}
