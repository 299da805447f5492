import { expect, expectTypeOf, test } from 'vitest'
import type * as z from 'zod'
import { pingText, pongText } from '../protocol/stream.ts'
import type * as wire from '../protocol/stream.ts'
import { ClientClassMessage, ClientMessage, ServerClassMessage } from './stream.ts'

type Plain<T> = T extends object ? { -readonly [K in keyof T]: Plain<T[K]> } : T

// The schemas and the types of the same messages say the same.
expectTypeOf<ServerClassMessage>().toExtend<wire.ServerClassMessage>()
expectTypeOf<Plain<wire.ServerClassMessage>>().toExtend<Plain<ServerClassMessage>>()
expectTypeOf<ClientClassMessage>().toExtend<wire.ClientClassMessage>()
expectTypeOf<wire.ClientClassMessage>().toExtend<ClientClassMessage>()
expectTypeOf<z.infer<typeof ClientMessage>>().toExtend<wire.ClientMessage>()
expectTypeOf<wire.ClientMessage>().toExtend<z.infer<typeof ClientMessage>>()

const signedHead = 'header.payload.signature'
const base = '0f'.repeat(32)
const confirmedAt = 1_700_000_000_000

test('each message of a stream parses as what it is', () => {
  const toServers: wire.ServerClassMessage[] = [
    { kind: 'hello', signedHead, heartbeatSec: 15 },
    { kind: 'snapshot', signedHead, body: 'flag\ta\t{}' },
    {
      kind: 'delta',
      signedHead,
      base,
      set: ['flag\ta\t{}'],
      remove: ['flag\tb'],
      splice: [['flag\tc', 7, 1, 'x']],
    },
    { kind: 'head', signedHead, confirmedAt },
    { kind: 'goaway', retryAfterMs: 1_000 },
    { kind: 'pong' },
  ]
  const toClients: wire.ClientClassMessage[] = [
    { kind: 'hello', version: '1.42', heartbeatSec: 15 },
    { kind: 'changed', version: '1.42' },
    { kind: 'head', version: '1.42', confirmedAt },
    { kind: 'goaway', retryAfterMs: 1_000 },
    { kind: 'pong' },
  ]
  for (const message of toServers) expect(ServerClassMessage.parse(sent(message))).toEqual(message)
  for (const message of toClients) expect(ClientClassMessage.parse(sent(message))).toEqual(message)
})

test('the texts that the platform answers by itself are messages', () => {
  expect(ClientMessage.parse(JSON.parse(pingText))).toEqual({ kind: 'ping' })
  expect(ServerClassMessage.parse(JSON.parse(pongText))).toEqual({ kind: 'pong' })
})

test('a message with a field too many, too few or out of range is none', () => {
  const wrong = [
    {},
    { kind: 'other' },
    { kind: 'changed' },
    { kind: 'changed', version: '1.42' },
    { kind: 'head', signedHead, confirmedAt: 1.5 },
    { kind: 'hello', signedHead: '', heartbeatSec: 15 },
    { kind: 'snapshot', signedHead, body: 'x'.repeat(4 * 1024 * 1024 + 1) },
    { kind: 'delta', signedHead, base: 'short', set: [], remove: [], splice: [] },
    { kind: 'delta', signedHead, base, set: [], remove: [] },
    { kind: 'delta', signedHead, base, set: [], remove: [], splice: [['flag\tc', -1, 0, '']] },
  ]
  for (const message of wrong) expect(ServerClassMessage.safeParse(message).success).toBe(false)
})

test('what tells of a snapshot is no message to a client', () => {
  const wrong = [
    { kind: 'changed', version: '42' },
    { kind: 'changed', version: '1.42', flags: ['hidden'] },
    { kind: 'hello', signedHead, heartbeatSec: 15 },
    { kind: 'head', signedHead, confirmedAt },
    { kind: 'snapshot', signedHead, body: '' },
  ]
  for (const message of wrong) expect(ClientClassMessage.safeParse(message).success).toBe(false)
})

function sent(message: unknown): unknown {
  return JSON.parse(JSON.stringify(message))
}
