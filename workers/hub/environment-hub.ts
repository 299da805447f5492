import { DurableObject } from 'cloudflare:workers'
import type { AccessRecord } from '@halyard/shared/protocol/access.ts'
import {
  makeHeadVerifier,
  parseTrustedKeys,
  type Head,
  type HeadVerifier,
} from '@halyard/shared/protocol/head.ts'
import {
  formatKvValue,
  kvNames,
  type Confirmation,
  type Held,
  type Publication,
  type PublishAnswer,
  type ReadAnswer,
} from '@halyard/shared/protocol/hub.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { heartbeatSec, pingText, pongText, streamProtocol } from '@halyard/shared/protocol/stream.ts'
import { formatVersion } from '@halyard/shared/protocol/version.ts'
import { settleBlobs } from './blob-values.ts'
import { dropExpired, missingBlobs, nameBlobs, nextBlobWork, readBlob, writeBlob } from './blobs.ts'
import { checkPublication, isBlobLength } from './check-publication.ts'
import {
  earliest,
  judge,
  kvDueAt,
  kvFailed,
  kvWritten,
  wantedKv,
  type KvKind,
  type Verdict,
} from './decide.ts'
import type { EnvironmentObject, HubEnv } from './env.ts'
import { inTime } from './in-time.ts'
import { closeRefused, mayListen, tell, type SocketIdentity } from './sockets.ts'
import * as store from './store.ts'
import type { StoredHead } from './store.ts'

type Applied =
  | { readonly verdict: 'apply'; readonly before: StoredHead | null }
  | { readonly verdict: Exclude<Verdict, 'apply'>; readonly held: StoredHead }
  | { readonly verdict: 'missing_blobs'; readonly hashes: readonly string[] }

const kvKinds = ['snapshot', 'access'] as const satisfies KvKind[]
/** A write that hangs must not hold the alarm beyond the next heartbeat. */
const kvTimeoutMs = 10_000

/** The head of one environment: takes publications, answers readers, tells subscribers, fills KV. */
export class EnvironmentHub extends DurableObject<HubEnv> implements EnvironmentObject {
  readonly #verify: HeadVerifier
  readonly #sql: SqlStorage

  constructor(ctx: DurableObjectState, env: HubEnv) {
    super(ctx, env)
    this.#verify = makeHeadVerifier(parseTrustedKeys(env.TRUSTED_KEYS))
    this.#sql = ctx.storage.sql
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(pingText, pongText))
  }

  async publish(publication: Publication): Promise<PublishAnswer> {
    const checked = await checkPublication(publication, this.#verify)
    if (checked.kind === 'refused') return { outcome: 'refused', reason: checked.reason, signedHead: null }
    const { head, access, blobs } = checked
    if (!this.#isOwn(head)) return { outcome: 'refused', reason: 'bad_content', signedHead: null }
    const applied = this.ctx.storage.transactionSync(() => this.#apply(publication, head, blobs))
    switch (applied.verdict) {
      case 'apply':
        this.#announce(publication, head, access, applied.before)
        await this.#schedule()
        return { outcome: 'applied', signedHead: publication.signedHead }
      case 'unchanged':
        await this.#schedule() // whoever repeats a publication may do so because the first try broke off
        return { outcome: 'unchanged', signedHead: applied.held.signedHead }
      case 'behind':
      case 'conflict':
        return { outcome: 'refused', reason: applied.verdict, signedHead: applied.held.signedHead }
      case 'missing_blobs':
        return { outcome: 'missing_blobs', hashes: applied.hashes }
    }
  }

  /** Nothing of it is trusted: the hash must be that of the bytes, and what no head names soon is dropped. */
  async storeBlob(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<'stored' | 'refused'> {
    if (!isBlobLength(bytes.length) || (await sha256Hex(bytes)) !== hash) return 'refused'
    this.ctx.storage.transactionSync(() => {
      store.createTables(this.#sql)
      writeBlob(this.#sql, hash, bytes)
    })
    await this.#schedule()
    return 'stored'
  }

  confirm(): Confirmation | null {
    const held = store.readHead(this.#sql)
    return held && { signedHead: held.signedHead, confirmedAt: Date.now() }
  }

  read(reader: Held): ReadAnswer | null {
    const held = store.readHead(this.#sql)
    if (!held) return null
    const { snapshotHash, accessHash } = held.head
    return {
      signedHead: held.signedHead,
      confirmedAt: Date.now(),
      ...(reader.snapshotHash !== snapshotHash && { body: store.readContent(this.#sql, snapshotHash) }),
      ...(reader.accessHash !== accessHash && { access: store.readContent(this.#sql, accessHash) }),
    }
  }

  blob(hash: string): Uint8Array<ArrayBuffer> | null {
    return readBlob(this.#sql, hash)
  }

  /** Opens a stream for a key that the edge has authorised; what is asked here again may have changed since. */
  override async fetch(request: Request): Promise<Response> {
    const held = store.readHead(this.#sql)
    if (!held) return new Response('nothing was ever published here', { status: 404 })
    if (request.headers.get('Upgrade') !== 'websocket')
      return new Response('upgrade required', { status: 426 })
    const query = new URL(request.url).searchParams
    const keyClass = query.get('class') === 'server' ? 'server' : 'client'
    const identity: SocketIdentity = { class: keyClass, keyId: query.get('key') ?? '' }
    if (!mayListen(this.#access(held.head), identity, Date.now()))
      return new Response('unknown key', { status: 401 })
    const { 0: client, 1: server } = new WebSocketPair()
    this.ctx.acceptWebSocket(server)
    server.serializeAttachment(identity)
    this.#greet(server, held, query.get('since'))
    if (store.readHeartbeat(this.#sql) === null) {
      store.writeHeartbeat(this.#sql, Date.now() + heartbeatSec * 1000)
      await this.#schedule()
    }
    return new Response(null, {
      status: 101,
      webSocket: client,
      headers: { 'Sec-WebSocket-Protocol': streamProtocol },
    })
  }

  /** Readers have nothing to say but `ping`, which the platform answers. */
  override webSocketMessage(socket: WebSocket): void {
    socket.close(1008, 'only ping is understood')
  }

  /** Does whatever is due; running twice is harmless, since what is due is read from storage. */
  override async alarm(): Promise<void> {
    store.createTables(this.#sql) // an older version of this script may have set the alarm
    const held = store.readHead(this.#sql)
    if (held) {
      this.#beat(held)
      await Promise.all([...kvKinds.map((kind) => this.#writeKv(kind, held)), this.#settleBlobs(held.head)])
    } else dropExpired(this.#sql)
    await this.#schedule()
  }

  #isOwn(head: Head): boolean {
    return this.env.ENVIRONMENTS.idFromName(head.environment).equals(this.ctx.id)
  }

  #apply(publication: Publication, head: Head, blobs: readonly string[]): Applied {
    store.createTables(this.#sql)
    const held = store.readHead(this.#sql)
    const verdict = judge(held && held.head, head)
    if (held && verdict !== 'apply') return { verdict, held }
    const hashes = missingBlobs(this.#sql, blobs)
    if (hashes.length > 0) return { verdict: 'missing_blobs', hashes }
    nameBlobs(this.#sql, blobs)
    store.writeContent(this.#sql, head.snapshotHash, publication.body)
    store.writeContent(this.#sql, head.accessHash, publication.access)
    store.writeHead(this.#sql, { signedHead: publication.signedHead, head })
    store.dropOtherContent(this.#sql, head)
    return { verdict: 'apply', before: held }
  }

  #announce(publication: Publication, head: Head, access: AccessRecord, before: StoredHead | null): void {
    const { signedHead, body } = publication
    const sockets = closeRefused(this.ctx.getWebSockets(), access, Date.now())
    tell(sockets, {
      server: () => ({ kind: 'snapshot', signedHead, body }),
      ...(before?.head.clientHash !== head.clientHash && {
        client: () => ({ kind: 'changed', version: formatVersion(head) }),
      }),
    })
  }

  #greet(socket: WebSocket, { signedHead, head }: StoredHead, since: string | null): void {
    const version = formatVersion(head)
    const hello = () => ({ kind: 'hello', signedHead, heartbeatSec }) as const
    tell([socket], { server: hello, client: hello })
    if (since === version) return
    tell([socket], {
      server: () => ({ kind: 'snapshot', signedHead, body: store.readContent(this.#sql, head.snapshotHash) }),
      ...(since !== null && { client: () => ({ kind: 'changed', version }) }),
    })
  }

  #beat({ signedHead, head }: StoredHead): void {
    const now = Date.now()
    const dueAt = store.readHeartbeat(this.#sql)
    if (dueAt === null || dueAt > now) return
    const sockets = closeRefused(this.ctx.getWebSockets(), this.#access(head), now)
    store.writeHeartbeat(this.#sql, sockets.length > 0 ? now + heartbeatSec * 1000 : null)
    const beat = () => ({ kind: 'head', signedHead, confirmedAt: now }) as const
    tell(sockets, { server: beat, client: beat })
  }

  async #writeKv(kind: KvKind, { signedHead, head }: StoredHead): Promise<void> {
    const now = Date.now()
    const wanted = wantedKv(kind, head)
    const dueAt = kvDueAt(store.readKvState(this.#sql, kind), wanted)
    if (dueAt === null || dueAt > now) return
    const content = store.readContent(this.#sql, kind === 'snapshot' ? head.snapshotHash : head.accessHash)
    const value = formatKvValue({ signedHead, confirmedAt: now }, content)
    try {
      await inTime(this.env.SNAPSHOTS.put(kvNames[kind](head.environment), value), kvTimeoutMs)
      store.writeKvState(this.#sql, kind, kvWritten(wanted, Date.now()))
    } catch (cause) {
      // The alarm tries again; readers have the hub meanwhile.
      store.writeKvState(this.#sql, kind, kvFailed(store.readKvState(this.#sql, kind), Date.now()))
      console.error('a KV write failed', { kind, environment: head.environment, cause })
    }
  }

  async #settleBlobs({ environment }: Head): Promise<void> {
    await settleBlobs({ sql: this.#sql, kv: this.env.SNAPSHOTS, environment, timeoutMs: kvTimeoutMs })
  }

  /** Sets the one alarm to the earliest of what is due. */
  async #schedule(): Promise<void> {
    const held = store.readHead(this.#sql)
    const times = held
      ? [
          ...kvKinds.map((kind) => kvDueAt(store.readKvState(this.#sql, kind), wantedKv(kind, held.head))),
          store.readHeartbeat(this.#sql),
        ]
      : []
    const next = earliest([...times, nextBlobWork(this.#sql)])
    if (next !== null) await this.ctx.storage.setAlarm(Math.max(next, Date.now()))
  }

  #access(head: Head): AccessRecord {
    return JSON.parse(store.readContent(this.#sql, head.accessHash)) as AccessRecord // parsed before it was stored
  }
}
