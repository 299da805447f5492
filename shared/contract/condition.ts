import * as z from 'zod'
import { limits } from './limits.ts'

export const AttributePath = z
  .string()
  .min(1)
  .max(200)
  .meta({
    description: 'A path of names joined by dots; `targetingKey` is who is evaluated for',
    examples: ['country'],
  })

const Text = z.string().max(limits.textLength)
const Scalar = z.union([Text, z.number(), z.boolean()])
const negate = z
  .boolean()
  .exactOptional()
  .meta({ description: 'Inverts the comparison; a missing attribute still does not match' })

export const Leaf = z
  .discriminatedUnion('op', [
    z.strictObject({ attribute: AttributePath, op: z.literal('eq'), value: Scalar, negate }),
    z.strictObject({
      attribute: AttributePath,
      op: z.literal('in'),
      values: z.array(Scalar).min(1).max(limits.leafValues),
      negate,
    }),
    z.strictObject({
      attribute: AttributePath,
      op: z.literal('startsWith'),
      values: z.array(Text.min(1)).min(1).max(limits.leafValues),
      negate,
    }),
    z.strictObject({ attribute: AttributePath, op: z.enum(['gt', 'lt']), value: z.number(), negate }),
  ])
  .meta({ id: 'Leaf', description: 'One comparison of one attribute; types are never coerced' })

type LeafInput = z.infer<typeof Leaf>

/** A tree of all, any and not over leaves. Depth and leaf count are checked by `checkCondition`. */
export type Condition = { all: Condition[] } | { any: Condition[] } | { not: Condition } | LeafInput

export const Condition: z.ZodType<Condition> = z
  .union([
    z.strictObject({
      get all(): z.ZodArray<z.ZodType<Condition>> {
        return z.array(Condition).max(limits.leafValues)
      },
    }),
    z.strictObject({
      get any(): z.ZodArray<z.ZodType<Condition>> {
        return z.array(Condition).max(limits.leafValues)
      },
    }),
    z.strictObject({
      get not(): z.ZodType<Condition> {
        return Condition
      },
    }),
    Leaf,
  ])
  .meta({
    id: 'Condition',
    description: `all, any and not over comparisons, at most ${limits.conditionDepth} deep`,
  })

/** Depth and number of leaves of a tree that parsed. */
export function measureCondition(condition: Condition): { depth: number; leaves: number } {
  const children =
    'all' in condition
      ? condition.all
      : 'any' in condition
        ? condition.any
        : 'not' in condition
          ? [condition.not]
          : null
  if (children === null) return { depth: 1, leaves: 1 }
  let depth = 0
  let leaves = 0
  for (const child of children) {
    const inner = measureCondition(child)
    depth = Math.max(depth, inner.depth)
    leaves += inner.leaves
  }
  return { depth: depth + 1, leaves }
}

/** How deep arrays and objects of a parsed JSON text nest, without recursion: a parser accepts what a walk would not survive. */
export function jsonDepth(value: unknown, stopAt: number): number {
  let level: unknown[] = [value]
  let depth = 0
  while (level.length > 0 && depth <= stopAt) {
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
    depth += 1
  }
  return depth
}
