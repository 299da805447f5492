/**
 * Stands between the edge and its hub, and between both and KV, in drills only: what passes is refused, held back or
 * spoiled as it was told. The order lies in a KV namespace of its own, so that it outlives a workerd that is killed.
 */
import { WorkerEntrypoint } from 'cloudflare:workers'
import type { Confirmation, Held, HubReadApi, ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import { spoilAnswer, spoilText, type Order } from './spoil.ts'

interface Env {
  readonly HUB: HubReadApi & Pick<Fetcher, 'fetch'>
  readonly SNAPSHOTS: KVNamespace
  readonly ORDERS: KVNamespace
}

const orderKey = 'order'
const hangMs = 120_000
let orderCache: Promise<Order> | null = null

/** What the edge takes for the hub. */
export class HubRead extends WorkerEntrypoint<Env> implements HubReadApi {
  async confirm(environment: string): Promise<Confirmation | null> {
    await obey((await orderOf(this.env)).hub)
    return await this.env.HUB.confirm(environment)
  }

  async read(environment: string, held: Held): Promise<ReadAnswer | null> {
    const order = await orderOf(this.env)
    await obey(order.hub)
    if (order.planted === 'hub')
      return await this.env.ORDERS.get<ReadAnswer>(`planted:${environment}`, 'json')
    if (order.spoil === undefined || order.place !== 'hub') return await this.env.HUB.read(environment, held)
    // The whole, so that there is something to spoil.
    const answer = await this.env.HUB.read(environment, {})
    return answer && spoilAnswer(order.spoil, answer)
  }

  async blob(environment: string, hash: string): Promise<Uint8Array<ArrayBuffer> | null> {
    await obey((await orderOf(this.env)).hub)
    return await this.env.HUB.blob(environment, hash)
  }

  override async fetch(request: Request): Promise<Response> {
    await obey((await orderOf(this.env)).hub)
    const response = await this.env.HUB.fetch(request)
    const upstream = response.webSocket
    if (!upstream) return response
    const { 0: client, 1: server } = new WebSocketPair()
    server.accept()
    upstream.accept()
    carry(server, upstream, async (text) => text)
    carry(upstream, server, async (text) => {
      const { spoil, place } = await orderOf(this.env)
      return spoil !== undefined && place === 'stream' ? spoilText(spoil, text) : text
    })
    return new Response(null, { status: 101, webSocket: client, headers: response.headers })
  }
}

/** What edge and hub take for their KV namespace. */
export class Snapshots extends WorkerEntrypoint<Env> {
  async get(
    name: string,
    options: { readonly type: 'text' | 'arrayBuffer' },
  ): Promise<string | ArrayBuffer | null> {
    const { kv, spoil, place, planted } = await orderOf(this.env)
    await obey(kv)
    if (planted === 'kv') return await this.env.ORDERS.get(`planted:${name}`)
    if (options.type === 'arrayBuffer') return await this.env.SNAPSHOTS.get(name, 'arrayBuffer')
    const value = await this.env.SNAPSHOTS.get(name)
    return value !== null && spoil !== undefined && place === 'kv' ? spoilText(spoil, value) : value
  }

  async put(name: string, value: string | ArrayBuffer | ArrayBufferView): Promise<void> {
    await obey((await orderOf(this.env)).kv)
    await this.env.SNAPSHOTS.put(name, value)
  }

  async delete(name: string): Promise<void> {
    await obey((await orderOf(this.env)).kv)
    await this.env.SNAPSHOTS.delete(name)
  }
}

/** For the drill: `PUT /order`, `PUT /planted/NAME`, `GET /kv/NAME`, `GET /hub/ENVIRONMENT`. */
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url)
    const [, kind, name = ''] = pathname.split('/').map(decodeURIComponent)
    if (kind === 'kv') return new Response((await env.SNAPSHOTS.get(name)) ?? '')
    if (kind === 'hub') return Response.json(await env.HUB.read(name, {}))
    const text = await request.text()
    await env.ORDERS.put(kind === 'order' ? orderKey : `planted:${name}`, text)
    if (kind === 'order') orderCache = Promise.resolve(JSON.parse(text) as Order) // of our own drill
    return new Response()
  },
} satisfies ExportedHandler<Env>

function orderOf({ ORDERS }: Env): Promise<Order> {
  return (orderCache ??= ORDERS.get<Order>(orderKey, 'json').then((order) => order ?? {}))
}

async function obey(what: Order['hub']): Promise<void> {
  if (what === 'throws') throw new Error('the drill makes it fail')
  // The runtime would end a promise that nothing can resolve at once.
  if (what === 'hangs') await scheduler.wait(hangMs)
}

/** Passes text on in its order, and the end of either side to the other. */
function carry(from: WebSocket, to: WebSocket, change: (text: string) => Promise<string>): void {
  let last = Promise.resolve()
  from.addEventListener('message', ({ data }) => {
    last = last.then(async () => to.send(await change(String(data)))).catch(() => {}) // the other side is gone
  })
  from.addEventListener('close', ({ code, reason }) => {
    // 1005 and 1006 say that there was no code: they cannot be sent.
    if (code === 1005 || code === 1006) to.close()
    else to.close(code, reason)
  })
}
