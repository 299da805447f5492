/** What the patterns of `matches` cost, in instructions. */
import { partsOf, type Condition } from '../contract/condition.ts'
import { patternSize } from '../pattern/pattern.ts'

type PatternSize = { readonly size: number } | { readonly refusal: string }

/** The patterns of an environment are measured again at each save that makes it grow. */
const sizeCache = new Map<string, PatternSize>()
const sizeCacheMax = 2_000

/** The size of a pattern, or why nobody may have it. */
export function measurePattern(pattern: string): PatternSize {
  const known = sizeCache.get(pattern)
  if (known) return known
  const measured = measure(pattern)
  if (sizeCache.size >= sizeCacheMax) sizeCache.clear()
  sizeCache.set(pattern, measured)
  return measured
}

/** The patterns of a condition, those that stand twice twice. */
export function patternsIn(condition: Condition): string[] {
  const parts = partsOf(condition)
  if (parts) return parts.flatMap(({ part }) => patternsIn(part))
  return 'op' in condition && condition.op === 'matches' ? [condition.value] : []
}

/** What patterns cost together. */
export function sumPatternSizes(patterns: readonly string[]): number {
  return patterns.reduce((sum, pattern) => {
    const measured = measurePattern(pattern)
    return 'size' in measured ? sum + measured.size : sum
  }, 0)
}

function measure(pattern: string): PatternSize {
  try {
    return { size: patternSize(pattern) }
  } catch (error) {
    // No RE2, or too costly: what is wrong becomes the answer to whoever saves it.
    if (error instanceof SyntaxError) return { refusal: error.message }
    throw error
  }
}
