/**
 * A program that measures one thing about the server client in a process of its own, bundled as it ships, and sends the
 * figures to its parent: `sdk-process.ts TASK ORDER`, the order being JSON.
 */
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { setTimeout as wait } from 'node:timers/promises'
import { evaluate } from '@halyard/shared/engine/evaluate.ts'
import type { EvaluationContext } from '@halyard/shared/engine/model.ts'
import { flagKeys, loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { makeKey } from '@halyard/shared/protocol/keys.ts'
import { signPublication } from '@halyard/shared/protocol/publication.ts'
import { createClient, fileStore, type ServerClient, type TrustedKey } from '../sdk/server/index.ts'
import { formatCopy } from '../sdk/sync/saved-copy.ts'
import { writeBody } from './engine/flags.ts'
import { collector, measure, median, type Subject } from './engine/measure.ts'
import {
  makeContexts,
  mixedDocument,
  plainDocument,
  rolloutDocument,
  ruleDocument,
  type PlainDocument,
} from './engine/plain-document.ts'

export interface SdkOrder {
  readonly edge: string
  readonly key: string
  /** A file for a persisted copy. */
  readonly path: string
}

/** By name; milliseconds, nanoseconds, bytes or microseconds, as the task has it. */
export type SdkFigures = Readonly<Record<string, number>>

const nowhere = 'http://127.0.0.1:9'
const idleMs = 10_000
const rounds = 5
const manyFlags = 5_000
const now = 1_750_000_000_000
const contexts: readonly EvaluationContext[] = makeContexts(64).map((context) => ({ ...context }))
const last = contexts.length - 1

const tasks: Readonly<Record<string, (order: SdkOrder) => Promise<SdkFigures>>> = {
  ready: ({ edge, key }) => timeReady(() => createClient({ edge, key })),
  keep,
  'ready-kept': ({ key, path }) =>
    timeReady(() => createClient({ edge: nowhere, key, store: fileStore(path) })),
  overhead: measureOverhead,
  heap: measureHeap,
  idle: measureIdle,
}

const [task = '', order = '{}'] = process.argv.slice(2)
const run = tasks[task]
if (!run) throw new Error(`there is no task ${task}`)
process.send?.(await run(JSON.parse(order) as SdkOrder), () => process.exit()) // from our parent

async function timeReady(make: () => ServerClient): Promise<SdkFigures> {
  const start = performance.now()
  const client = make()
  if (!(await client.ready())) throw new Error('the client has no flags')
  const ms = performance.now() - start
  await client.close()
  return { ms }
}

async function keep({ edge, key, path }: SdkOrder): Promise<SdkFigures> {
  const client = createClient({ edge, key, store: fileStore(path) })
  await client.ready()
  await client.close()
  return {}
}

/** What the typed call of a client takes beyond the engine's own, each the median of some measurements. */
async function measureOverhead(): Promise<SdkFigures> {
  const figures: Record<string, number> = {}
  const documents = {
    plain: plainDocument(),
    rules: ruleDocument(),
    rollout: rolloutDocument(),
    mixed: mixedDocument(100),
  }
  for (const [name, document] of Object.entries(documents)) {
    /* oxlint-disable no-await-in-loop -- one at a time */
    const client = await clientOf(document)
    const subjects = subjectsOf(document, client)
    const [over, bytes]: number[][] = [[], []]
    for (let round = 0; round < rounds; round++) {
      const measured = await measure(subjects)
      over?.push((measured.get('client')?.ns ?? NaN) - (measured.get('engine')?.ns ?? NaN))
      bytes?.push((measured.get('client')?.bytes ?? NaN) - (measured.get('engine')?.bytes ?? NaN))
    }
    await client.close()
    /* oxlint-enable no-await-in-loop */
    figures[name] = median(over ?? [])
    figures[`${name} bytes`] = Math.max(0, median(bytes ?? []))
  }
  return figures
}

function subjectsOf(document: PlainDocument, client: ServerClient): Subject[] {
  const snapshot = loadSnapshot(writeBody(document))
  const keys = flagKeys(snapshot)
  const at = (i: number) => keys[i % keys.length] ?? ''
  return [
    {
      name: 'engine',
      run: (i) => {
        const decision = evaluate(snapshot, at(i), contexts[i & last] ?? {}, now)
        return decision.reason !== 'ERROR' && decision.value
      },
    },
    { name: 'client', run: (i) => client.boolean(at(i), false, contexts[i & last]) },
  ]
}

/** Before and after a client of many flags, each of which was evaluated. */
async function measureHeap(): Promise<SdkFigures> {
  const collect = collector()
  const bootstrap = await savedCopy(mixedDocument(manyFlags))
  await (await open(await savedCopy(mixedDocument(10)))).close() // what code and caches take is not the flags'
  const text = Buffer.from(bootstrap.text) // outside the heap: a user would have read it from somewhere and let it go
  collect()
  const before = process.memoryUsage().heapUsed
  const client = await open({ ...bootstrap, text: text.toString() })
  for (const context of contexts) client.all(context)
  await wait(100)
  collect()
  const bytes = process.memoryUsage().heapUsed - before
  const { length } = Object.keys(client.all())
  if (length !== manyFlags) throw new Error(`the client has ${length} flags`)
  await client.close()
  return { bytes }
}

async function measureIdle({ edge, key }: SdkOrder): Promise<SdkFigures> {
  const client = createClient({ edge, key })
  await client.ready()
  await wait(2_000)
  const before = process.cpuUsage()
  await wait(idleMs)
  const { user, system } = process.cpuUsage(before)
  await client.close()
  return { us: user + system }
}

interface Saved {
  readonly key: string
  readonly trusted: TrustedKey
  readonly text: string
}

async function clientOf(document: PlainDocument): Promise<ServerClient> {
  return await open(await savedCopy(document))
}

async function open({ key, trusted, text }: Saved): Promise<ServerClient> {
  const client = createClient({ edge: nowhere, key, trustedKeys: [trusted], bootstrap: text })
  if (!(await client.ready())) throw new Error('the client has no flags')
  return client
}

async function savedCopy(document: PlainDocument): Promise<Saved> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const kid = 'bench'
  const environment = makeId('env')
  const body = writeBody(document)
  const facts = { environment, epoch: 1, version: 1, clientHash: '', compiler: 1, time: Date.now() }
  const privateJwk: JWK = { ...(await exportJWK(privateKey)), kid }
  const { signedHead } = await signPublication({ ...facts, body, access: '' }, privateJwk)
  const { x = '', crv = '', kty } = await exportJWK(publicKey)
  const trusted = { x, crv, kty: kty ?? 'OKP', kid }
  const key = await makeKey('server', environment, 'secret')
  return { key, trusted, text: formatCopy({ signedHead, body, keys: null }) }
}
