/** Gates let a share of the contexts through: the sample of a rule, and the slot of a layer. */
import type { Answer } from './answer.ts'
import { hashAttribute, type Attribute, type Run } from './attribute.ts'
import { bucketOfHash, type Seed } from './bucketing.ts'
import type { ServeScope, Unbucketed } from './serve.ts'
import { readBuckets, readSeed, readShape, readText, refuse } from './shape.ts'
import { readAt } from './world.ts'

export interface Gate {
  /** The slot of a layer, or null for a sample. */
  readonly slot: { readonly layer: string; readonly name: string } | null
  readonly by: Attribute
  readonly seed: Seed
  /** Contexts whose bucket lies from `from` up to, not including, `to` pass. */
  readonly from: number
  readonly to: number
  readonly unbucketed: Unbucketed
}

const sampleMembers = new Set(['by', 'share', 'seed'])
const slotMembers = new Set(['key', 'slot'])

/** Compiles the sample of a rule. Throws a SyntaxError if it cannot be read. */
export function compileSample(raw: unknown, scope: ServeScope): Gate {
  const sample = readShape(raw, 'a sample', sampleMembers)
  return makeGate(scope, {
    slot: null,
    path: readText(sample['by'], 'the attribute of a sample'),
    seed: readSeed(sample['seed'], 'the seed of a sample'),
    from: 0,
    to: readBuckets(sample['share'], 'the share of a sample'),
  })
}

/** Compiles what a split says of its layer. Throws a SyntaxError if it cannot be read or there is no such slot. */
export function compileSlot(raw: unknown, scope: ServeScope): Gate {
  const named = readShape(raw, 'the layer of a split', slotMembers)
  const key = readText(named['key'], 'the key of a layer')
  const name = readText(named['slot'], 'the slot of a split')
  const layer = scope.world.findLayer(key) ?? refuse(`there is no layer "${key}"`)
  const { from, to } = layer.slots.get(name) ?? refuse(`the layer "${key}" has no slot "${name}"`)
  return makeGate(scope, { slot: { layer: key, name }, path: layer.by, seed: layer.seed, from, to })
}

/** Whether the run's context passes; the error if it has no bucket. */
export function pass(gate: Gate, run: Run): boolean | Answer {
  const lack = hashAttribute(gate.by, run)
  if (lack !== null) return gate.unbucketed(lack)
  const bucket = bucketOfHash(gate.by.hash, gate.seed)
  return bucket >= gate.from && bucket < gate.to
}

function makeGate(
  scope: ServeScope,
  { path, ...rest }: Pick<Gate, 'slot' | 'seed' | 'from' | 'to'> & { path: string },
): Gate {
  return { ...rest, by: readAt(scope, path), unbucketed: scope.unbucketed(path) }
}
