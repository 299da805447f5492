import { expect, test } from 'vitest'
import { limits } from '../contract/limits.ts'
import { referenceDepthMax } from '../engine/link.ts'
import {
  dependentsOf,
  flagReferences,
  nodeName,
  referenceFaults,
  segmentReferences,
  type Node,
  type Reference,
} from './references.ts'

const world = (...nodes: Node[]) => new Map(nodes.map((node) => [nodeName(node), node]))
const refer = (kind: Reference['kind'], key: string, ...parts: string[]): Reference => ({
  kind,
  key,
  pointer: `/to/${key}`,
  parts: parts.map((name) => ({ name, pointer: `/to/${key}/${name}` })),
})
const node = (kind: Node['kind'], key: string, ...references: Reference[]): Node => ({
  kind,
  key,
  isLive: true,
  parts: ['on', 'off'],
  references,
})
const flag = (key: string, ...references: Reference[]) => node('flag', key, ...references)
const segment = (key: string, ...references: Reference[]) => node('segment', key, ...references)
const found = (nodes: Node[], ...changed: Node[]) =>
  referenceFaults(world(...nodes), changed).map(({ node: { key }, code, pointer, detail }) => ({
    key,
    code,
    pointer,
    detail,
  }))

/** What is found when the first of these changes. */
const cycle = (...nodes: [Node, ...Node[]]) => found(nodes, nodes[0])
const chain = (length: number) =>
  Array.from({ length }, (_, i) => flag(`f${i}`, ...(i + 1 < length ? [refer('flag', `f${i + 1}`)] : [])))

test('a flag refers to what its prerequisites, leaves and layers name, each with its pointer', () => {
  const when = {
    all: [
      { not: { segment: 's' } },
      {
        any: [
          { flag: 'g', variants: ['x', 'y'] },
          { attribute: 'a', op: 'exists' as const },
        ],
      },
    ],
  }
  const split = {
    by: 'targetingKey',
    weights: [{ variant: 'on', weight: 100_000 }],
    layer: { key: 'l', slot: 'a' },
  }
  const references = flagReferences({
    enabled: true,
    offVariant: 'off',
    prerequisites: [{ flag: 'p', variants: ['on'] }],
    overrides: [],
    rules: [{ id: 'rul_1', when, serve: { split } }],
    fallthrough: { split: { ...split, outside: 'off' } },
  })
  const pointers = references.map(({ kind, key, pointer, parts }) => [
    kind,
    key,
    pointer,
    ...parts.map((part) => part.pointer),
  ])
  expect(pointers).toEqual([
    ['flag', 'p', '/prerequisites/0/flag', '/prerequisites/0/variants/0'],
    ['segment', 's', '/rules/0/when/all/0/not/segment'],
    ['flag', 'g', ...['flag', 'variants/0', 'variants/1'].map((end) => `/rules/0/when/all/1/any/0/${end}`)],
    ['layer', 'l', '/rules/0/serve/split/layer/key', '/rules/0/serve/split/layer/slot'],
    ['layer', 'l', '/fallthrough/split/layer/key', '/fallthrough/split/layer/slot'],
  ])
  expect(segmentReferences({ when: { segment: 's' } })).toEqual([
    { kind: 'segment', key: 's', pointer: '/when/segment', parts: [] },
  ])
  expect(segmentReferences({ when: null })).toEqual([])
})

test('what is missing, archived, or has no such variant or slot is named where it is named', () => {
  const a = flag('a', refer('segment', 'none'), refer('flag', 'old', 'on'), refer('flag', 'b', 'on', 'x'))
  const layered = flag('c', refer('layer', 'l', 'y'))
  const old = { ...flag('old'), isLive: false }
  const code = 'unknown_reference'
  expect(found([a, old, flag('b')], a)).toEqual([
    { key: 'a', code, pointer: '/to/none', detail: 'there is no segment "none"' },
    { key: 'a', code, pointer: '/to/old', detail: 'flag "old" is archived' },
    { key: 'a', code, pointer: '/to/b/x', detail: 'flag "b" has no variant "x"; it has on, off' },
  ])
  expect(found([layered, node('layer', 'l')], layered)).toEqual([
    { key: 'c', code, pointer: '/to/l/y', detail: 'layer "l" has no slot "y"; it has on, off' },
  ])
  expect(found([flag('a', refer('segment', 'b')), flag('b')], flag('a'))).toHaveLength(1)
})

test('a change is judged by what others refer to in it, and not by what was wrong before elsewhere', () => {
  const wrong = flag('wrong', refer('flag', 'none'))
  const user = flag('user', refer('flag', 'b', 'gone'))
  const archived = { ...flag('archived', refer('flag', 'b', 'gone')), isLive: false }
  const b = flag('b')
  expect(found([wrong, user, archived, b], b).map(({ key }) => key)).toEqual(['user'])
})

test('a cycle is named from the changed one back to itself, also through segments', () => {
  const code = 'reference_cycle'
  expect(cycle(flag('a', refer('flag', 'b')), flag('b', refer('flag', 'a')))).toEqual([
    { key: 'a', code, pointer: '/to/b', detail: 'flags may not depend on themselves: a -> b -> a' },
  ])
  expect(cycle(flag('a', refer('flag', 'a')))[0]?.detail).toContain(': a -> a')
  expect(cycle(segment('s', refer('segment', 't')), segment('t', refer('segment', 's')))[0]?.detail).toBe(
    'segments may not depend on themselves: s -> t -> s',
  )
  const mixed = [flag('a', refer('segment', 's')), segment('s', refer('flag', 'a'))] as const
  expect(cycle(...mixed)[0]?.detail).toContain(': a (flag) -> s (segment) -> a (flag)')
})

test('two ways to one thing are no cycle, and an archived flag closes none', () => {
  const diamond = [
    flag('a', refer('flag', 'b'), refer('flag', 'c')),
    flag('b', refer('flag', 'd')),
    flag('c', refer('flag', 'd')),
    flag('d'),
  ]
  expect(found(diamond, ...diamond)).toEqual([])
  const old = { ...flag('old', refer('flag', 'a')), isLive: false }
  expect(found([flag('a'), old], old)).toEqual([])
})

test('at most twenty flags and segments follow each other, wherever the change is', () => {
  expect(limits.referenceDepth).toBe(referenceDepthMax)
  expect(found(chain(20), ...chain(20))).toEqual([])
  for (const changed of [flag('f0'), flag('f10'), flag('f20')]) {
    const [fault, ...others] = found(chain(21), changed)
    expect(others).toEqual([])
    expect(fault).toMatchObject({ key: changed.key, detail: expect.stringContaining('a chain of 21') })
    expect(fault?.detail).toContain('at most 20 are allowed (referenceDepth)')
  }
})

test('those that refer to something are found by kind and key', () => {
  const users = [flag('a', refer('segment', 'x')), flag('b', refer('flag', 'x'))]
  const archived = { ...flag('c', refer('segment', 'x')), isLive: false }
  const all = world(...users, archived, segment('x'), flag('x'))
  expect(dependentsOf(all, segment('x')).map(({ key }) => key)).toEqual(['a'])
  expect(dependentsOf(all, flag('x')).map(({ key }) => key)).toEqual(['b'])
})

test('an environment of 10,000 flags that all refer is judged in one go', () => {
  const hub = segment('hub', refer('flag', 'f0'))
  const flags = Array.from({ length: 10_000 }, (_, i) =>
    i === 0 ? flag('f0') : flag(`f${i}`, refer('segment', 'hub'), refer('flag', `f${Math.floor(i / 2)}`)),
  )
  const all = [hub, ...flags]
  expect(found(all, ...all)).toEqual([])
  const loop = flag('f0', refer('flag', 'f9999'))
  expect(found([...all, loop], loop)[0]?.code).toBe('reference_cycle')
})

test('a cycle of others, from before, neither hangs nor refuses the change', () => {
  const others = [flag('x', refer('flag', 'y')), flag('y', refer('flag', 'x'))]
  expect(found([flag('a', refer('flag', 'x')), ...others], flag('a'))).toEqual([])
})
