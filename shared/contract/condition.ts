import * as z from 'zod'
import { FlagLeaf, Leaf, SegmentLeaf } from './leaf.ts'
import { limits } from './limits.ts'

export type ConditionLeaf = z.infer<typeof Leaf> | z.infer<typeof SegmentLeaf> | z.infer<typeof FlagLeaf>

/** A tree of all, any and not over leaves. Depth and leaf count are checked by `checkCondition`. */
export type Condition = { all: Condition[] } | { any: Condition[] } | { not: Condition } | ConditionLeaf

/** What a condition may be, in words: also the mark by which an issue of this union is known. */
export const conditionForms =
  'a condition is {"all": […]}, {"any": […]}, {"not": …}, {"segment": …}, {"flag": …, "variants": […]} or a comparison such as {"attribute": "country", "op": "eq", "value": "CA"}'

export const Condition: z.ZodType<Condition, Condition> = z
  .union(
    [
      z.strictObject({
        get all(): z.ZodArray<z.ZodType<Condition, Condition>> {
          return z.array(Condition).max(limits.leafValues)
        },
      }),
      z.strictObject({
        get any(): z.ZodArray<z.ZodType<Condition, Condition>> {
          return z.array(Condition).max(limits.leafValues)
        },
      }),
      z.strictObject({
        get not(): z.ZodType<Condition, Condition> {
          return Condition
        },
      }),
      SegmentLeaf,
      FlagLeaf,
      Leaf,
    ],
    { error: conditionForms },
  )
  .meta({
    id: 'Condition',
    description: `all, any and not over comparisons, segments and other flags, at most ${limits.conditionDepth} deep`,
  })

/** Reports a tree that is deeper or larger than a rule's or a segment's may be. */
export function checkCondition(condition: Condition, report: (message: string) => void): void {
  const { depth, leaves } = measureCondition(condition)
  if (depth > limits.conditionDepth)
    report(`nested ${depth} deep; at most ${limits.conditionDepth} is allowed`)
  if (leaves > limits.leavesPerRule)
    report(`has ${leaves} comparisons; at most ${limits.leavesPerRule} are allowed`)
}

/** The parts of all, any and not, each with the names that lead to it; null for a leaf. */
export function partsOf(
  condition: Condition,
): readonly { readonly part: Condition; readonly path: readonly (string | number)[] }[] | null {
  if ('all' in condition) return condition.all.map((part, index) => ({ part, path: ['all', index] }))
  if ('any' in condition) return condition.any.map((part, index) => ({ part, path: ['any', index] }))
  return 'not' in condition ? [{ part: condition.not, path: ['not'] }] : null
}

/** Depth and number of leaves of a tree that parsed. */
export function measureCondition(condition: Condition): { depth: number; leaves: number } {
  const parts = partsOf(condition)
  if (parts === null) return { depth: 1, leaves: 1 }
  let depth = 0
  let leaves = 0
  for (const { part } of parts) {
    const inner = measureCondition(part)
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
