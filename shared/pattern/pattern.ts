/** Patterns of `matches`, outside the engine because the engine takes no package. */
import { RE2JS, RE2JSException } from 're2js'
import type { CompilePattern } from '../engine/operators/operators.ts'

/**
 * The most instructions that a pattern may compile to, or its own length and a few if that is more: what this bounds
 * is counted repetition, `(a{9}){9}`. Measured: with it no pattern that we could think of takes more than about 5 ms
 * (10 ms for 256 written-out wildcards) on a text of 2,048 characters that it has not seen.
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
  const compiled = compile(pattern)
  const size = compiled.programSize()
  const sizeMax = Math.max(patternSizeMax, pattern.length + instructionsAround)
  if (size > sizeMax) {
    throw new SyntaxError(
      `the pattern "${pattern}" is too costly: it compiles to ${size} instructions, and ${sizeMax} are allowed; ` +
        'shorten its counted repetitions',
    )
  }
  const { dfa } = compiled.re2()
  dfa.stateBudget = cacheBytesMax
  dfa.memBudget = cacheBytesMax
  return (text) => compiled.test(text)
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    // The engine knows one class of error for what it cannot read.
    if (error instanceof RE2JSException)
      throw new SyntaxError(`"${pattern}" is no RE2 pattern: ${error.message}`)
    throw error
  }
}
