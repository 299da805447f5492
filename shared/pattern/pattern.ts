/** Patterns of `matches`, outside the engine because the engine takes no package. */
import { RE2JS, RE2JSException } from 're2js'
import type { CompilePattern } from '../engine/operators/operators.ts'
import { leastInstructions, tableCost } from './pattern-cost.ts'

/**
 * The most instructions that a pattern may count as, or its own length and a few if that is more: what this bounds is
 * counted repetition, `(a{9}){9}`, and what `tableCost` adds. Measured: with it no pattern that we could think of takes
 * more than about 5 ms (10 ms for 256 written-out wildcards) on a text of 2,048 characters that it has not seen.
 */
export const patternSizeMax = 128

/** Match, fail, and the group around all. */
const instructionsAround = 8
/** What a pattern's cache of states may hold: with the 8 MiB of re2js a hostile text costs ten times as much. */
const cacheBytesMax = 32 * 1024

/**
 * Compiles an RE2 pattern into a search anywhere in a text, whose time is linear in the length of the text. Throws a
 * SyntaxError on a pattern that RE2 does not take (back-references, look-around), or that is too costly.
 */
export const compilePattern: CompilePattern = (pattern) => {
  const { compiled } = compile(pattern)
  const { dfa } = compiled.re2()
  dfa.stateBudget = cacheBytesMax
  dfa.memBudget = cacheBytesMax
  return (text) => compiled.test(text)
}

/** What a pattern costs, in instructions. Throws as `compilePattern` does. */
export function patternSize(pattern: string): number {
  return compile(pattern).size
}

/** Not compiled if the text alone tells that it is too costly: writing out the repetitions is what costs. */
function compile(pattern: string): { readonly compiled: RE2JS; readonly size: number } {
  const tables = tableCost(pattern)
  refuseCostly(pattern, tables + leastInstructions(pattern))
  const compiled = parse(pattern)
  const size = tables + compiled.programSize()
  refuseCostly(pattern, size)
  return { compiled, size }
}

function refuseCostly(pattern: string, size: number): void {
  const sizeMax = Math.max(patternSizeMax, pattern.length + instructionsAround)
  if (size <= sizeMax) return
  throw new SyntaxError(
    `the pattern "${pattern}" is too costly: it counts as at least ${size} instructions, and ${sizeMax} are allowed; ` +
      'shorten its counted repetitions, its Unicode classes, or its ranges where case is ignored',
  )
}

function parse(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    // The engine knows one class of error for what it cannot read.
    if (error instanceof RE2JSException)
      throw new SyntaxError(`"${pattern}" is no RE2 pattern: ${error.message}`)
    throw error
  }
}
