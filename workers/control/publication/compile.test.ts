import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { evaluate } from '@halyard/shared/engine/evaluate.ts'
import { loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import type { FlagRecord, HistoryRow } from '../ports.ts'
import { compile } from './compile.ts'

const at = { epoch: 1, version: 7 }

function flag(key: string, changes: Partial<FlagRecord> = {}): HistoryRow {
  const record: FlagRecord = {
    key,
    valueType: 'boolean',
    variants: [
      { key: 'on', value: true },
      { key: 'off', value: false },
    ],
    seed: '0123456789abcdef',
    clientVisible: false,
    archived: false,
    state: { enabled: true, offVariant: 'off', overrides: [], rules: [], fallthrough: { variant: 'on' } },
    ...changes,
  }
  return { kind: 'flag', objectId: `flg_${key}`, state: record as never } // a FlagRecord is JSON
}

function key(id: string, changes: Partial<AccessKey> | null = {}): HistoryRow {
  const state = changes && { id, hash: `hash of ${id}`, class: 'server', ...changes }
  return { kind: 'key', objectId: id, state: state as never } // an AccessKey is JSON
}

test('the same history gives the same bytes, in whatever order it is read', async () => {
  const rows = [
    flag('b'),
    flag('a', { clientVisible: true }),
    flag('B'),
    flag('a.b'),
    key('key_2'),
    key('key_1'),
  ]
  const expected = await compile('env_1', at, rows)
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(rows, { minLength: rows.length }), async (shuffled) => {
      expect(await compile('env_1', at, structuredClone(shuffled))).toEqual(expected)
    }),
  )
  expect(expected.body.split('\n').map((line) => line.split('\t')[1])).toEqual(['B', 'a', 'a.b', 'b'])
})

test('the bytes of a flag are the same, in whatever order its members were stored', async () => {
  const reverse = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reverse)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([name, inner]) => [name, reverse(inner)]),
    )
  }
  const hash = 'xx32' as const
  const split = { by: 'targetingKey', weights: [{ variant: 'on', weight: 100_000 }], hash }
  const record = flag('a', {
    state: {
      enabled: true,
      offVariant: 'off',
      overrides: [{ attribute: 'targetingKey', values: ['u'], variant: 'on' }],
      rules: [{ id: 'rul_1', when: { all: [] }, serve: { split } }],
      fallthrough: { split },
    },
  })
  const reversed = { ...record, state: reverse(record.state) as never } // the same JSON
  expect((await compile('env_1', at, [reversed])).body).toBe((await compile('env_1', at, [record])).body)
})

test('a head names what was compiled, and where', async () => {
  const { body, access, head } = await compile('env_1', at, [flag('é', { key: 'e' }), key('key_1')])
  expect(head).toMatchObject({
    environment: 'env_1',
    ...at,
    schema: 1,
    size: new TextEncoder().encode(body).length,
  })
  expect(head.snapshotHash).toBe(await sha256Hex(body))
  expect(head.accessHash).toBe(await sha256Hex(access))
})

test('an archived flag is absent', async () => {
  const { body } = await compile('env_1', at, [
    flag('kept'),
    flag('gone', { archived: true, clientVisible: true }),
  ])
  expect(body).toContain('kept')
  expect(body).not.toContain('gone')
})

test('a snapshot holds nothing that evaluation does not need', async () => {
  const rules = [{ id: 'rul_1', name: 'secret name', when: { all: [] }, serve: { variant: 'on' } }]
  const { state } = flag('a').state as unknown as FlagRecord // what flag() made
  const extra = { name: 'secret name', description: 'secret', tags: ['secret'], owner: 'secret' }
  const row = flag('a', { ...extra, state: { ...state, rules } })
  const { body, access } = await compile('env_1', at, [row, key('key_1')])
  expect(body).not.toMatch(/secret|key_1|hash of/)
  expect(body).toContain('rul_1')
  expect(access).not.toContain('flag')
})

test('an access record has the live keys only, by id', async () => {
  const rows = [
    key('key_3', { class: 'client', origins: ['https://a.example'] }),
    key('key_2', null),
    key('key_1', { expiresAt: 5 }),
  ]
  const { access, head } = await compile('env_1', at, rows)
  expect(JSON.parse(access)).toEqual({
    environment: 'env_1',
    keys: [
      { id: 'key_1', hash: 'hash of key_1', class: 'server', expiresAt: 5 },
      { id: 'key_3', hash: 'hash of key_3', class: 'client', origins: ['https://a.example'] },
    ],
  })
  expect(head.snapshotHash).toBe((await compile('env_1', at, [])).head.snapshotHash)
})

test('the client hash moves with what clients may see, and with nothing else', async () => {
  const visible = flag('seen', { clientVisible: true })
  const before = await clientHash(visible, flag('hidden'))
  expect(
    await clientHash(visible, flag('hidden', { seed: 'ffffffffffffffff' }), flag('another'), key('key_1')),
  ).toBe(before)
  expect(
    await clientHash(flag('seen', { clientVisible: true, seed: 'ffffffffffffffff' }), flag('hidden')),
  ).not.toBe(before)
  expect(await clientHash(visible, flag('hidden', { clientVisible: true }))).not.toBe(before)
})

test('an environment without flags has an empty body', async () => {
  expect(await compile('env_1', at, [])).toMatchObject({
    body: '',
    access: '{"environment":"env_1","keys":[]}',
    head: { size: 0 },
  })
})

test('what a reader could not evaluate is never compiled', async () => {
  const { state } = flag('a').state as unknown as FlagRecord // what flag() made
  const broken = [
    flag('a', { seed: 'none' }),
    flag('a', { variants: [{ key: 'on', value: null }] }),
    flag('a', { state: { ...state, offVariant: 'nope' } }),
    flag('a', {
      state: { ...state, fallthrough: { split: { by: 'x', weights: [{ variant: 'on', weight: 1 }] } } },
    }),
  ]
  for (const row of broken)
    await expect(compile('env_1', at, [flag('fine'), row])).rejects.toThrow('does not evaluate: a')
  await expect(compile('env_1', at, [flag('twice'), flag('twice')])).rejects.toThrow('does not evaluate')
  const large = flag('l', {
    valueType: 'string',
    variants: [
      { key: 'on', value: 'x'.repeat(4 << 20) },
      { key: 'off', value: '' },
    ],
  })
  await expect(compile('env_1', at, [large])).rejects.toThrow('more than 4194304')
})

test('a flag whose name is a name of the prototype evaluates like any other', async () => {
  for (const name of ['constructor', 'toString', 'valueOf']) {
    const { body } = await compile('env_1', at, [flag(name)])
    expect(evaluate(loadSnapshot(body), name, {}, 0)).toMatchObject({
      key: name,
      value: true,
      reason: 'STATIC',
    })
  }
})

async function clientHash(...rows: HistoryRow[]): Promise<string> {
  return (await compile('env_1', at, rows)).head.clientHash
}
