/** What flags and segments of one environment refer to, and whether all of it holds together. Pure. */
import { partsOf, type Condition } from '../contract/condition.ts'
import { limits } from '../contract/limits.ts'
import type { Serve } from '../contract/serve.ts'
import type { AppliedSegmentState, RecordedFlagState } from './applied-state.ts'
import { pointerOf, type WrongField } from './wrong-field.ts'

type Kind = 'flag' | 'segment' | 'layer'

/** A mention of another flag, segment or layer in a state. */
export interface Reference {
  readonly kind: Kind
  readonly key: string
  /** Into the state. */
  readonly pointer: string
  /** The variants of the flag, or the slot of the layer, that it names. */
  readonly parts: readonly { readonly name: string; readonly pointer: string }[]
}

export interface Node {
  readonly kind: Kind
  readonly key: string
  /** Not archived. */
  readonly isLive: boolean
  /** The variants of a flag, the slots of a layer. */
  readonly parts: readonly string[]
  readonly references: readonly Reference[]
}

/** The nodes of an environment by `nodeName`. Those that nothing concerned refers to may be left out. */
export type World = ReadonlyMap<string, Node>

/** What is wrong with a reference, and the node whose state holds it. */
export interface Fault extends WrongField {
  readonly node: Node
}

export function nodeName({ kind, key }: Pick<Node, 'kind' | 'key'>): string {
  return `${kind} "${key}"`
}

/** What the state of a flag refers to. */
export function flagReferences({ prerequisites = [], rules, fallthrough }: RecordedFlagState): Reference[] {
  const serves = [
    ...rules.map((rule, index) => ({ serve: rule.serve, path: ['rules', index, 'serve'] })),
    { serve: fallthrough, path: ['fallthrough'] },
  ]
  return [
    ...prerequisites.map(({ flag, variants }, index) => toFlag(flag, variants, ['prerequisites', index])),
    ...rules.flatMap((rule, index) => conditionReferences(rule.when, ['rules', index, 'when'])),
    ...serves.flatMap(({ serve, path }) => serveReferences(serve, path)),
  ]
}

/** What the state of a segment refers to. */
export function segmentReferences({ when }: Pick<AppliedSegmentState, 'when'>): Reference[] {
  return when === null ? [] : conditionReferences(when, ['when'])
}

/**
 * Everything that is wrong with the references of the changed nodes, and with those of others to them: what does not
 * exist, what depends on itself, and too long a chain.
 */
export function referenceFaults(world: World, changed: readonly Pick<Node, 'kind' | 'key'>[]): Fault[] {
  const names = new Set(changed.map(nodeName))
  const live = [...world.values()].filter(({ isLive }) => isLive)
  const missing = live.flatMap((node) =>
    node.references
      .filter((reference) => names.has(nodeName(node)) || names.has(nodeName(reference)))
      .flatMap((reference) => missingIn(world, node, reference)),
  )
  if (missing.length > 0) return missing
  const touched = live.filter((node) => names.has(nodeName(node)))
  const cycles = touched.flatMap((node) => cycleFrom(world, node))
  return cycles.length > 0 ? cycles : tooDeep(world, live, touched)
}

/** The live nodes that refer to this one. */
export function dependentsOf(world: World, target: Pick<Node, 'kind' | 'key'>): Node[] {
  const isMeant = ({ kind, key }: Reference) => kind === target.kind && key === target.key
  return [...world.values()].filter(({ isLive, references }) => isLive && references.some(isMeant))
}

type Path = readonly PropertyKey[]

function conditionReferences(condition: Condition, path: Path): Reference[] {
  const parts = partsOf(condition)
  if (parts) return parts.flatMap((inner) => conditionReferences(inner.part, [...path, ...inner.path]))
  if ('flag' in condition) return [toFlag(condition.flag, condition.variants, path)]
  if (!('segment' in condition)) return []
  return [{ kind: 'segment', key: condition.segment, pointer: pointerOf([...path, 'segment']), parts: [] }]
}

function serveReferences(serve: Serve, path: Path): Reference[] {
  if (!('split' in serve) || !serve.split.layer) return []
  const { key, slot } = serve.split.layer
  const at = pointerOf([...path, 'split', 'layer'])
  return [{ kind: 'layer', key, pointer: `${at}/key`, parts: [{ name: slot, pointer: `${at}/slot` }] }]
}

function toFlag(key: string, variants: readonly string[], path: Path): Reference {
  const at = pointerOf(path)
  const parts = variants.map((name, index) => ({ name, pointer: `${at}/variants/${index}` }))
  return { kind: 'flag', key, pointer: `${at}/flag`, parts }
}

function missingIn(world: World, node: Node, reference: Reference): Fault[] {
  const code = 'unknown_reference'
  const target = world.get(nodeName(reference))
  if (!target?.isLive) {
    const detail = target
      ? `${nodeName(reference)} is archived`
      : `there is no ${reference.kind} "${reference.key}"`
    return [{ node, code, pointer: reference.pointer, detail }]
  }
  const part = reference.kind === 'layer' ? 'slot' : 'variant'
  return reference.parts
    .filter(({ name }) => !target.parts.includes(name))
    .map(({ name, pointer }) => ({
      node,
      code,
      pointer,
      detail: `${nodeName(target)} has no ${part} "${name}"; it has ${target.parts.join(', ') || 'none'}`,
    }))
}

/** The way from a node back to itself, if there is one: at most one, the shortest in the number of steps. */
function cycleFrom(world: World, start: Node): Fault[] {
  const cameFrom = new Map<Node, Node | null>([[start, null]])
  // A Map takes in what is added while it is walked.
  for (const node of cameFrom.keys()) {
    for (const next of targetsOf(world, node)) {
      if (next === start) return [cycleFault(wayTo(cameFrom, node))]
      if (!cameFrom.has(next)) cameFrom.set(next, node)
    }
  }
  return []
}

function wayTo(cameFrom: ReadonlyMap<Node, Node | null>, end: Node): Node[] {
  const way: Node[] = []
  for (let at: Node | null = end; at !== null; at = cameFrom.get(at) ?? null) way.unshift(at)
  return way
}

function cycleFault(way: readonly Node[]): Fault {
  const [start, second = start] = way
  if (!start || !second) throw new Error('a way has a start')
  const isMixed = way.some(({ kind }) => kind !== start.kind)
  const text = [...way, start].map(({ kind, key }) => (isMixed ? `${key} (${kind})` : key)).join(' -> ')
  const first = start.references.find(({ kind, key }) => kind === second.kind && key === second.key)
  return {
    node: start,
    code: 'reference_cycle',
    pointer: first?.pointer ?? '',
    detail: `${start.kind === 'flag' ? 'flags' : 'segments'} may not depend on themselves: ${text}`,
  }
}

/** No changed node is part of a cycle here; others may be, from before. */
function tooDeep(world: World, live: readonly Node[], touched: readonly Node[]): Fault[] {
  const below = longest((node) => targetsOf(world, node))
  const sources = new Map<Node, Node[]>()
  for (const node of live) {
    for (const target of targetsOf(world, node)) {
      const others = sources.get(target)
      if (others) others.push(node)
      else sources.set(target, [node])
    }
  }
  const above = longest((node) => sources.get(node) ?? [])
  return touched.flatMap((node): Fault[] => {
    const depth = above(node) + 1 + below(node)
    if (depth <= limits.referenceDepth) return []
    const detail = `makes a chain of ${depth} flags and segments that refer to each other; at most ${limits.referenceDepth} are allowed (referenceDepth)`
    return [{ node, pointer: node.references[0]?.pointer ?? '', detail }]
  })
}

/** The number of steps of the longest way from a node; one that leads back into itself counts as ended. */
function longest(next: (node: Node) => readonly Node[]): (node: Node) => number {
  const known = new Map<Node, number>()
  const measure = (node: Node): number => {
    const seen = known.get(node)
    if (seen !== undefined) return seen
    known.set(node, 0) // while it is measured
    let depth = 0
    for (const other of next(node)) depth = Math.max(depth, measure(other) + 1)
    known.set(node, depth)
    return depth
  }
  return measure
}

/** Layers refer to nothing, so that they are no part of a chain. */
function targetsOf(world: World, { references }: Node): Node[] {
  return references.flatMap((reference) => {
    const target = reference.kind === 'layer' ? undefined : world.get(nodeName(reference))
    return target?.isLive ? [target] : []
  })
}
