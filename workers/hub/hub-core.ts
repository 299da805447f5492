/**
 * The hub of one environment: takes publications, answers readers, tells relays, fills KV. All that is decided and
 * stored, without the platform; what is remembered lies in SQLite.
 */
import { applyChanges, changesBetween } from '@halyard/shared/protocol/delta.ts'
import type { Head } from '@halyard/shared/protocol/head.ts'
import type {
  Confirmation,
  Held,
  Publication,
  PublishAnswer,
  ReadAnswer,
  Receipt,
} from '@halyard/shared/protocol/hub.ts'
import { formatVersion, parseVersion } from '@halyard/shared/protocol/version.ts'
import { missingBlobs, nameBlobs, readBlob, writeBlob } from './blobs.ts'
import { checkPublication, isBlobLength, type CheckedPublication } from './check-publication.ts'
import { dropOtherContent, readContent, writeContent } from './content.ts'
import { judge, type Verdict } from './decide.ts'
import { appendLink, chainFromHash, clearLinks } from './delta-ring.ts'
import type { HubPorts } from './hub-ports.ts'
import { runErrands } from './hub-errands.ts'
import { pushToAll } from './push.ts'
import {
  countShards,
  dismissRelay,
  enterRelay,
  noteAck,
  noteVersion,
  readReceipts,
} from './relay-register.ts'
import type { RelayBeat, RelayUpdate } from './relay-wire.ts'
import { schedule } from './schedule.ts'
import { hasTable } from './sql.ts'
import { createTables, readHead, upgradeTables, writeHead, type StoredHead } from './store.ts'

export interface HubCore {
  publish(publication: Publication): Promise<PublishAnswer>
  storeBlob(hash: string, bytes: Uint8Array<ArrayBuffer>): Promise<'stored' | 'refused'>
  receipts(token: string): readonly Receipt[] | null
  confirm(): Confirmation | null
  read(reader: Held): ReadAnswer | null
  blob(hash: string): Uint8Array<ArrayBuffer> | null
  /** A relay says that it is there, and asks what is new. */
  beat(beat: RelayBeat): RelayUpdate | null
  /** Does whatever is due; running twice is harmless, since what is due is read from storage. */
  alarm(): Promise<void>
}

type Applied =
  | { readonly verdict: 'apply'; readonly isAccessNew: boolean }
  | { readonly verdict: Exclude<Verdict, 'apply'>; readonly held: StoredHead }
  | { readonly verdict: 'missing_blobs'; readonly hashes: readonly string[] }

type SoundPublication = Extract<CheckedPublication, { kind: 'sound' }>

export function makeHubCore(ports: HubPorts): HubCore {
  upgradeTables(ports.sql)
  return {
    publish: (publication) => publish(ports, publication),
    storeBlob: (hash, bytes) => storeBlob(ports, hash, bytes),
    receipts: (token) => receiptsOf(ports, token),
    confirm: () => confirm(ports),
    read: (reader) => read(ports, reader),
    blob: (hash) => readBlob(ports.sql, hash),
    beat: (beat) => answerBeat(ports, beat),
    alarm: () => runErrands(ports),
  }
}

async function publish(ports: HubPorts, publication: Publication): Promise<PublishAnswer> {
  const checked = await checkPublication(publication, ports)
  if (checked.kind === 'refused') return { outcome: 'refused', reason: checked.reason, signedHead: null }
  if (!ports.isOwn(checked.head.environment))
    return { outcome: 'refused', reason: 'bad_content', signedHead: null }
  const applied = ports.transactionSync(() => apply(ports, publication, checked))
  switch (applied.verdict) {
    case 'apply':
      ports.defer(pushToAll(ports, applied.isAccessNew ? publication.access : null))
      await schedule(ports)
      return { outcome: 'applied', signedHead: publication.signedHead }
    case 'unchanged':
      await schedule(ports) // whoever repeats a publication may do so because the first try broke off
      return { outcome: 'unchanged', signedHead: applied.held.signedHead }
    case 'behind':
    case 'conflict':
      return { outcome: 'refused', reason: applied.verdict, signedHead: applied.held.signedHead }
    case 'missing_blobs':
      return { outcome: 'missing_blobs', hashes: applied.hashes }
  }
}

/** Compares with what is held at this moment, and stores, in one transaction. */
function apply({ sql, now }: HubPorts, publication: Publication, { head, blobs }: SoundPublication): Applied {
  createTables(sql)
  const held = readHead(sql)
  const verdict = judge(held && held.head, head)
  if (held && verdict !== 'apply') return { verdict, held }
  const hashes = missingBlobs(sql, blobs)
  if (hashes.length > 0) return { verdict: 'missing_blobs', hashes }
  nameBlobs(sql, blobs, now())
  if (held) linkTo(sql, held, { publication, head })
  writeContent(sql, head.snapshotHash, publication.body)
  writeContent(sql, head.accessHash, publication.access)
  const isClientNew = held?.head.clientHash !== head.clientHash
  const clientAt = held && !isClientNew ? held.clientAt : formatVersion(head)
  writeHead(sql, { signedHead: publication.signedHead, head, clientAt })
  dropOtherContent(sql, head)
  noteVersion(sql, head, now())
  return { verdict: 'apply', isAccessNew: held?.head.accessHash !== head.accessHash }
}

/** Keeps the delta from what is held; without one that is sound the ring begins anew. */
function linkTo(
  sql: HubPorts['sql'],
  held: StoredHead,
  { publication, head }: { readonly publication: Publication; readonly head: Head },
): void {
  const before = readContent(sql, held.head.snapshotHash)
  const changes = changesBetween(before, publication.body)
  // What was signed may be no sorted lines at all: then deltas do not describe it.
  if (applyChanges(before, changes) !== publication.body) {
    clearLinks(sql)
    return
  }
  appendLink(sql, {
    ...changes,
    signedHead: publication.signedHead,
    base: held.head.snapshotHash,
    baseAt: formatVersion(held.head),
    result: head.snapshotHash,
    resultAt: formatVersion(head),
  })
}

/** Nothing of it is trusted: the hash must be that of the bytes, and what no head names soon is dropped. */
async function storeBlob(ports: HubPorts, hash: string, bytes: Uint8Array<ArrayBuffer>) {
  if (!isBlobLength(bytes.length) || (await ports.hash(bytes)) !== hash) return 'refused'
  ports.transactionSync(() => {
    createTables(ports.sql)
    writeBlob(ports.sql, hash, bytes, ports.now())
  })
  await schedule(ports)
  return 'stored'
}

function receiptsOf({ sql }: HubPorts, token: string): readonly Receipt[] | null {
  const version = parseVersion(token)
  return version && hasTable(sql, 'versions') ? readReceipts(sql, version) : null
}

function confirm({ sql, now }: HubPorts): Confirmation | null {
  const held = readHead(sql)
  return held && { signedHead: held.signedHead, confirmedAt: now() }
}

function read({ sql, now }: HubPorts, reader: Held): ReadAnswer | null {
  const held = readHead(sql)
  if (!held) return null
  const { accessHash } = held.head
  return {
    signedHead: held.signedHead,
    confirmedAt: now(),
    ...snapshotFor(sql, held.head, reader),
    ...(reader.accessHash !== accessHash && { access: readContent(sql, accessHash) }),
  }
}

function snapshotFor(sql: HubPorts['sql'], head: Head, reader: Held): Pick<ReadAnswer, 'body' | 'deltas'> {
  if (reader.snapshotHash === head.snapshotHash) return {}
  const takesDeltas = reader.takesDeltas === true && reader.snapshotHash !== undefined
  const deltas = takesDeltas ? chainFromHash(sql, reader.snapshotHash, head.size) : null
  return deltas ? { deltas } : { body: readContent(sql, head.snapshotHash) }
}

function answerBeat(ports: HubPorts, beat: RelayBeat): RelayUpdate | null {
  const { sql } = ports
  const held = readHead(sql)
  if (!held) return null
  if (beat.sockets === 0) {
    dismissRelay(sql, beat)
    return confirm(ports)
  }
  const version = beat.version === undefined ? null : parseVersion(beat.version)
  ports.transactionSync(() => {
    enterRelay(sql, beat, ports.now())
    if (version) noteAck(sql, beat.relay, version, ports.now())
  })
  const answer = read(ports, beat.held)
  return answer && { ...answer, clientAt: held.clientAt, shards: countShards(sql, beat.relay) }
}
