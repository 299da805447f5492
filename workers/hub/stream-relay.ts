import { DurableObject } from 'cloudflare:workers'
import { pingText, pongText, streamProtocol } from '@halyard/shared/protocol/stream.ts'
import type { HubEnv, RelayObject } from './env.ts'
import { inTime } from './in-time.ts'
import { objectPorts } from './object-ports.ts'
import { makeRelayCore, type Opened, type RelayCore } from './relay-core.ts'
import type { RelaySocket, RelaySockets } from './relay-state.ts'
import { relayName, type RelayUpdate } from './relay-wire.ts'
import { release } from './release.ts'
import type { Listener, Place } from './replica.ts'
import { formatFull, fullHeader, readOpening } from './stream-route.ts'

/** A question that hangs must not hold up the heads that tell readers how old theirs is. */
const askTimeoutMs = 5000

/** Some of the sockets of one environment. What it does is in `relay-core.ts`. */
export class StreamRelay extends DurableObject<HubEnv> implements RelayObject {
  readonly #core: RelayCore

  constructor(ctx: DurableObjectState, env: HubEnv) {
    super(ctx, env)
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pingText, pongText))
    this.#core = makeRelayCore({
      ...objectPorts(ctx, env),
      random: () => Math.random(),
      callHub: async (environment, beat) => {
        const answer = await inTime(
          release(this.env.ENVIRONMENTS.getByName(environment).beat(beat)),
          askTimeoutMs,
        )
        return answer as RelayUpdate | null // the types of RPC forget what a tuple is
      },
      sockets: socketsOf(ctx),
    })
  }

  push(update: RelayUpdate) {
    return this.#core.push(update)
  }

  override async fetch(request: Request): Promise<Response> {
    const opening = readOpening(request.url)
    if (!opening || !this.#isMeant(opening))
      return new Response('not the relay that is meant', { status: 400 })
    const { 0: client, 1: server } = new WebSocketPair()
    const opened = await this.#core.open(opening, () => this.#accept(server, opening))
    return answerOf(opened, client)
  }

  /** Readers have nothing to say but `ping`, which the platform answers. */
  /** A reader that says goodbye waits for the same: without an answer its connection stays open for ten seconds. */
  override webSocketClose(socket: WebSocket, code: number): void {
    socket.close(isSendable(code) ? code : 1000)
  }

  override webSocketMessage(socket: WebSocket): void {
    socket.close(1008, 'only ping is understood')
  }

  override alarm() {
    return this.#core.alarm()
  }

  #isMeant({ environment, relay }: Place): boolean {
    return this.env.RELAYS.idFromName(relayName(environment, relay)).equals(this.ctx.id)
  }

  #accept(socket: WebSocket, listener: Listener): RelaySocket {
    this.ctx.acceptWebSocket(socket, [listener.class, tagOf(listener)])
    socket.serializeAttachment({ openedAt: Date.now() } satisfies Attachment)
    return socket
  }
}

interface Attachment {
  readonly openedAt: number
}

/** Sockets sleep with the object: whose they are lies in their tags. */
function socketsOf(ctx: DurableObjectState): RelaySockets {
  const open = (tag?: string) =>
    ctx.getWebSockets(tag).filter(({ readyState }) => readyState === WebSocket.OPEN)
  return {
    count: () => open().length,
    ofClass: (keyClass) => open(keyClass),
    ofKey: (listener) => open(tagOf(listener)),
    heardAt: (given) => {
      const socket = given as WebSocket // the core has them from here only
      const { openedAt } = socket.deserializeAttachment() as Attachment // set when it was accepted
      return Math.max(openedAt, ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0)
    },
  }
}

function tagOf(listener: Listener): string {
  return `${listener.class}:${listener.keyId}`
}

function answerOf(opened: Opened, webSocket: WebSocket): Response {
  switch (opened.outcome) {
    case 'open':
      return new Response(null, {
        status: 101,
        webSocket,
        headers: { 'Sec-WebSocket-Protocol': streamProtocol },
      })
    case 'absent':
      return new Response('nothing was ever published here', { status: 404 })
    case 'refused':
      return new Response('the key may not listen', { status: 401 })
    case 'busy':
      return new Response('too much at once', {
        status: 503,
        headers: { 'Retry-After': String(opened.retryAfterSec) },
      })
    case 'full':
      return new Response('no room', { status: 503, headers: { [fullHeader]: formatFull(opened.shards) } })
  }
  return opened satisfies never
}

/** Codes such as 1005 and 1006 say what was not sent. */
function isSendable(code: number): boolean {
  return code === 1000 || (code >= 3000 && code < 5000)
}
