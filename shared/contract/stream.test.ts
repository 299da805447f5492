import { expect, expectTypeOf, test } from 'vitest'
import type * as z from 'zod'
import { pingText, pongText } from '../protocol/stream.ts'
import type * as wire from '../protocol/stream.ts'
import { ClientMessage, ServerMessage } from './stream.ts'

// The schemas and the types of the same messages say the same.
expectTypeOf<ServerMessage>().toExtend<wire.ServerMessage>()
expectTypeOf<wire.ServerMessage>().toExtend<ServerMessage>()
expectTypeOf<z.infer<typeof ClientMessage>>().toExtend<wire.ClientMessage>()
expectTypeOf<wire.ClientMessage>().toExtend<z.infer<typeof ClientMessage>>()

const signedHead = 'header.payload.signature'

test('each message of a stream parses as what it is', () => {
  const messages: ServerMessage[] = [
    { kind: 'hello', signedHead, heartbeatSec: 15 },
    { kind: 'snapshot', signedHead, body: 'flag\ta\t{}' },
    { kind: 'changed', version: '1.42' },
    { kind: 'head', signedHead, confirmedAt: 1_700_000_000_000 },
    { kind: 'pong' },
  ]
  for (const message of messages)
    expect(ServerMessage.parse(JSON.parse(JSON.stringify(message)))).toEqual(message)
})

test('the texts that the platform answers by itself are messages', () => {
  expect(ClientMessage.parse(JSON.parse(pingText))).toEqual({ kind: 'ping' })
  expect(ServerMessage.parse(JSON.parse(pongText))).toEqual({ kind: 'pong' })
})

test('a message with a field too many, too few or out of range is none', () => {
  const wrong = [
    {},
    { kind: 'other' },
    { kind: 'changed' },
    { kind: 'changed', version: '42' },
    { kind: 'changed', version: '1.42', flags: ['hidden'] },
    { kind: 'head', signedHead, confirmedAt: 1.5 },
    { kind: 'hello', signedHead: '', heartbeatSec: 15 },
    { kind: 'snapshot', signedHead, body: 'x'.repeat(4 * 1024 * 1024 + 1) },
  ]
  for (const message of wrong) expect(ServerMessage.safeParse(message).success).toBe(false)
})
