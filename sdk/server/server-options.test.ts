import { expect, test } from 'vitest'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { makeKey } from '@halyard/shared/protocol/keys.ts'
import { createClient, type ServerOptions } from './index.ts'
import { checkServerOptions } from './server-options.ts'

const edge = 'https://flags.example.com'
const environment = makeId('env')
const key = await makeKey('server', environment, 'secret')
const trustedKeys = [
  { kid: 'a', kty: 'OKP', crv: 'Ed25519', x: 'QMCoTd6GDTVXmrlBoYIi_k3KaeVXPcqFUT4bFD8mMHM' },
]
const clientKey = await makeKey('client', environment, 'secret')

test.each([
  ['no options', undefined, 'the options must be an object, not undefined'],
  [
    'no edge',
    { key },
    '"edge" must be the origin of an edge, such as "https://flags.example.com", not undefined',
  ],
  ['an edge without a scheme', { edge: 'flags.example.com', key }, 'not "flags.example.com"'],
  ['an edge with a path', { edge: `${edge}/api`, key }, 'must be the origin'],
  ['an edge with another scheme', { edge: 'ftp://flags.example.com', key }, 'must be the origin'],
  ['no key', { edge, key: '' }, '"key" must be a server key (hyd_srv_…), not ""'],
  ['a client key', { edge, key: clientKey }, 'and this is a client key'],
  ['a key that was cut short', { edge, key: key.slice(0, -1) }, 'was cut short'],
  ['a bootstrap that is no text', { edge, key, bootstrap: {} }, '"bootstrap" must be a text'],
  ['a store without save', { edge, key, store: { load: async () => null } }, 'and "save" is none'],
  ['a logger without warn', { edge, key, logger: { debug: () => {} } }, '"logger" must have the methods'],
  ['no trusted key', { edge, key, trustedKeys: [] }, '"trustedKeys" must be a list'],
  [
    'a trusted key that is private',
    { edge, key, trustedKeys: [{ kid: 'a', crv: 'Ed25519', x: 'x', d: 'd' }] },
    'no "d"',
  ],
  [
    'an option of another name',
    { edge, key, timeout: 5 },
    'there is no option "timeout"; there are edge, key,',
  ],
])('%s: the error says what was wrong and what is allowed', (_, options, message) => {
  const make = () => createClient(options as ServerOptions)
  expect(make).toThrow(TypeError)
  expect(make).toThrow(message)
})

test.each([
  ['http://flags.example.com', {}, 1],
  ['http://10.0.0.7:8787', {}, 1],
  ['http://localhost:8787', {}, 0],
  ['http://127.0.0.1:8787', {}, 0],
  ['http://[::1]:8787', {}, 0],
  ['https://flags.example.com', {}, 0],
  ['http://flags.example.com', { trustedKeys }, 0],
])('over %s with %j whoever is in between may choose the flags: %i warning', (from, rest, times) => {
  const warnings: string[] = []
  const logger = { debug: () => {}, warn: (what: string) => warnings.push(what), error: () => {} }
  checkServerOptions({ edge: from, key, logger, ...rest })
  expect(warnings).toHaveLength(times)
})

test('an option that is undefined is one that is left out', () => {
  const none = { trustedKeys: undefined, bootstrap: undefined, store: undefined, logger: undefined }
  const { logger: _, ...settings } = checkServerOptions({ edge, key, ...none })
  expect(settings).toEqual({ edge, key, environment, trustedKeys: null, bootstrap: null, store: null })
})

test('an error never holds the key', () => {
  const secret = `${key}x`
  expect(() => createClient({ edge, key: secret })).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining(secret) }),
  )
})
