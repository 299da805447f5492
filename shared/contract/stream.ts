import * as z from 'zod'
import { VersionToken } from './resources.ts'

const SignedHead = z.string().min(1).max(4_096).meta({ description: 'The head as a compact JWS' })

const HelloMessage = z
  .strictObject({
    kind: z.literal('hello'),
    signedHead: SignedHead,
    heartbeatSec: z.int().min(1).max(3_600).meta({ description: 'How often a `head` is sent' }),
  })
  .meta({ id: 'HelloMessage' })

const SnapshotMessage = z
  .strictObject({
    kind: z.literal('snapshot'),
    signedHead: SignedHead,
    body: z.string().max(4 * 1024 * 1024),
  })
  .meta({ id: 'SnapshotMessage', description: 'Class server: the whole snapshot' })

const ChangedMessage = z
  .strictObject({ kind: z.literal('changed'), version: VersionToken })
  .meta({ id: 'ChangedMessage', description: 'Class client: what it may see has changed' })

const HeadMessage = z
  .strictObject({
    kind: z.literal('head'),
    signedHead: SignedHead,
    confirmedAt: z.int().min(0).meta({ description: 'When this was head, in epoch milliseconds' }),
  })
  .meta({ id: 'HeadMessage', description: 'The heartbeat' })

const PongMessage = z.strictObject({ kind: z.literal('pong') }).meta({ id: 'PongMessage' })
const PingMessage = z.strictObject({ kind: z.literal('ping') }).meta({ id: 'PingMessage' })

/** What the server sends. A reader ignores kinds that are not listed: newer servers may send them. */
export const ServerMessage = z
  .discriminatedUnion('kind', [HelloMessage, SnapshotMessage, ChangedMessage, HeadMessage, PongMessage])
  .meta({ id: 'ServerMessage' })
export type ServerMessage = z.infer<typeof ServerMessage>

export const ClientMessage = PingMessage
