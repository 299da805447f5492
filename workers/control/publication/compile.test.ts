import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { evaluate } from '@halyard/shared/engine/evaluate.ts'
import { loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import type { FlagRecord, HistoryRow, SegmentRecord } from '../ports.ts'
import { compile } from './compile.ts'
import { flag, layer, layered, segment, stateWith } from './test-history.ts'

const at = { epoch: 1, version: 7 }

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

test('archived segments and layers are absent', async () => {
  const { body } = await compile('env_1', at, [
    segment('s', { archived: true }),
    layer('l', { archived: true }),
  ])
  expect(body).toBe('')
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

/** A flag that needs others. */
const reaching = (key: string, from: Partial<FlagRecord>, ...keys: string[]) => {
  const prerequisites = keys.map((other) => ({ flag: other, variants: ['on'] }))
  const { state } = flag(key).state as unknown as FlagRecord // what flag() made
  return flag(key, { ...from, state: { ...state, prerequisites } })
}
const inSegment = (key: string, when: SegmentRecord['state']['when']) => segment(key, { when })
/** A visible flag that reaches down to a layer, and two things that it does not. */
const rows = (changed: Record<string, HistoryRow> = {}) =>
  Object.values({
    seen: reaching('seen', { clientVisible: true }, 'hidden'),
    hidden: flag('hidden', { state: stateWith({ segment: 'outer' }) }),
    outer: inSegment('outer', { segment: 'inner' }),
    inner: inSegment('inner', { flag: 'deep', variants: ['on'] }),
    deep: flag('deep', { state: layered }),
    layer: layer('l'),
    other: reaching('other', {}, 'deep'),
    alone: segment('alone'),
    ...changed,
  })

test('the client hash moves with all that visible flags reach, and with nothing that only others reach', async () => {
  const before = await clientHash(...rows())
  const reached = {
    hidden: flag('hidden', { state: stateWith({ segment: 'outer' }), seed: 'ffffffffffffffff' }),
    outer: inSegment('outer', { not: { segment: 'inner' } }),
    inner: inSegment('inner', { flag: 'deep', variants: ['off'] }),
    deep: flag('deep', { state: layered, seed: 'ffffffffffffffff' }),
    layer: layer('l', { by: 'company' }),
  }
  for (const [name, row] of Object.entries(reached))
    expect({ name, hash: await clientHash(...rows({ [name]: row })) }).not.toEqual({ name, hash: before })
  const unreached = { other: flag('other'), alone: segment('alone', { include: ['u'] }) }
  for (const [name, row] of Object.entries(unreached))
    expect({ name, hash: await clientHash(...rows({ [name]: row })) }).toEqual({ name, hash: before })
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
    flag('a', { state: stateWith({ segment: 'none' }) }),
    flag('a', { state: layered }),
    flag('a', { expiry: { at: 5, variant: 'nope' } }),
    flag('a', { state: stateWith({ attribute: 'a', op: 'matches', value: '(' }) }),
    flag('a', {
      state: { ...state, fallthrough: { split: { by: 'x', weights: [{ variant: 'on', weight: 1 }] } } },
    }),
  ]
  for (const row of broken)
    await expect(compile('env_1', at, [flag('fine'), row])).rejects.toThrow('does not evaluate: a')
  const tree = segment('s', { when: { any: [{ all: [] }, { segment: 'none' }] } })
  const circle = ['s', 't'].map((key, i) => segment(key, { when: { segment: i === 0 ? 't' : 's' } }))
  const unread = segment('s', { when: { attribute: 'a', op: 'inCidr', values: ['nowhere'] } })
  for (const rows of [[unread], circle])
    await expect(compile('env_1', at, [flag('fine'), ...rows])).rejects.toThrow(
      'does not evaluate: the segment "s"',
    )
  await expect(
    compile('env_1', at, [flag('a', { state: stateWith({ segment: 's' }) }), tree]),
  ).resolves.toBeDefined()
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

const matching = (count: number, pattern: string) => {
  const any = Array.from({ length: count }, () => ({
    attribute: 'a',
    op: 'matches' as const,
    value: pattern,
  }))
  return flag('f', { state: stateWith({ any }) })
}
const many = (count: number, make: (key: string) => HistoryRow) =>
  Array.from({ length: count }, (_, index) => make(`k${index}`))

test('what is over a limit is never compiled, though every save held it already', async () => {
  const { flagsPerEnvironment, segmentsPerEnvironment, layersPerProject, patternsPerEnvironment } = limits
  await expect(compile('env_1', at, many(flagsPerEnvironment + 1, flag))).rejects.toThrow('10001 flags')
  await expect(compile('env_1', at, many(segmentsPerEnvironment + 1, segment))).rejects.toThrow(
    '2001 segments',
  )
  await expect(compile('env_1', at, many(layersPerProject + 1, layer))).rejects.toThrow('101 layers')
  await compile('env_1', at, [matching(patternsPerEnvironment, 'a')])
  await expect(compile('env_1', at, [matching(patternsPerEnvironment + 1, 'a')])).rejects.toThrow(
    '201 patterns',
  )
  await expect(compile('env_1', at, [matching(100, '[a-z]{20}')])).rejects.toThrow('pattern instructions')
})
