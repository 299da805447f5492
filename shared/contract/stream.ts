import * as z from 'zod'
import { VersionToken } from './resources.ts'

const SignedHead = z.string().min(1).max(4_096).meta({ description: 'The head as a compact JWS' })

const heartbeat = z.int().min(1).max(3_600).meta({ description: 'How often a `head` is sent, in seconds' })
const confirmedAt = z.int().min(0).meta({ description: 'When this was head, in epoch milliseconds' })
const bodySizeMax = 4 * 1024 * 1024
const linesMax = 100_000
const Line = z.string().min(1).max(bodySizeMax)
const LineName = z.string().min(1).max(1_024)

const HelloMessage = z
  .strictObject({ kind: z.literal('hello'), signedHead: SignedHead, heartbeatSec: heartbeat })
  .meta({ id: 'HelloMessage' })

const ClientHelloMessage = z
  .strictObject({ kind: z.literal('hello'), version: VersionToken, heartbeatSec: heartbeat })
  .meta({ id: 'ClientHelloMessage', description: 'The version at which answers may last have changed' })

const SnapshotMessage = z
  .strictObject({ kind: z.literal('snapshot'), signedHead: SignedHead, body: z.string().max(bodySizeMax) })
  .meta({ id: 'SnapshotMessage', description: 'The whole snapshot' })

const Splice = z
  .tuple([
    LineName,
    z.int().min(0).max(bodySizeMax),
    z.int().min(0).max(bodySizeMax),
    z.string().max(bodySizeMax),
  ])
  .meta({
    description: 'The name of a line, where a stretch of it starts, its length, and what takes its place',
  })

const DeltaMessage = z
  .strictObject({
    kind: z.literal('delta'),
    signedHead: SignedHead,
    base: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .meta({ description: 'The hash of the body it applies to' }),
    set: z.array(Line).max(linesMax),
    remove: z.array(LineName).max(linesMax),
    splice: z.array(Splice).max(linesMax),
  })
  .meta({ id: 'DeltaMessage', description: 'What leads from one body to the next' })

const ChangedMessage = z
  .strictObject({ kind: z.literal('changed'), version: VersionToken })
  .meta({ id: 'ChangedMessage', description: 'What client keys may see has changed' })

const HeadMessage = z
  .strictObject({ kind: z.literal('head'), signedHead: SignedHead, confirmedAt })
  .meta({ id: 'HeadMessage', description: 'The heartbeat' })

const ClientHeadMessage = z
  .strictObject({ kind: z.literal('head'), version: VersionToken, confirmedAt })
  .meta({ id: 'ClientHeadMessage', description: 'The heartbeat' })

const GoawayMessage = z
  .strictObject({ kind: z.literal('goaway'), retryAfterMs: z.int().min(0).max(3_600_000) })
  .meta({ id: 'GoawayMessage', description: 'The stream ends: come back after so long' })

const PongMessage = z.strictObject({ kind: z.literal('pong') }).meta({ id: 'PongMessage' })
const PingMessage = z.strictObject({ kind: z.literal('ping') }).meta({ id: 'PingMessage' })

/** What is sent to class server. A reader ignores kinds that are not listed: newer servers may send them. */
export const ServerClassMessage = z
  .discriminatedUnion('kind', [
    HelloMessage,
    SnapshotMessage,
    DeltaMessage,
    HeadMessage,
    GoawayMessage,
    PongMessage,
  ])
  .meta({ id: 'ServerClassMessage' })
export type ServerClassMessage = z.infer<typeof ServerClassMessage>

/** What is sent to class client: nothing that tells of rules, or of what is hidden. */
export const ClientClassMessage = z
  .discriminatedUnion('kind', [
    ClientHelloMessage,
    ChangedMessage,
    ClientHeadMessage,
    GoawayMessage,
    PongMessage,
  ])
  .meta({ id: 'ClientClassMessage' })
export type ClientClassMessage = z.infer<typeof ClientClassMessage>

export const ClientMessage = PingMessage
