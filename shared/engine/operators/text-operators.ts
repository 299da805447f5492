/** `contains`, `startsWith`, `endsWith` and `matches`. */
import { foldedOf, readAttribute } from '../attribute.ts'
import { readTexts, type LeafScope, type Test } from './leaf.ts'
import { readText, refuse } from '../shape.ts'

/** The longest pattern, in UTF-16 units. */
export const patternLengthMax = 256

export function compileContains(scope: LeafScope): Test {
  return compileAnyOf(scope, containsAny)
}

export function compileStartsWith(scope: LeafScope): Test {
  return compileAnyOf(scope, startsWithAny)
}

export function compileEndsWith(scope: LeafScope): Test {
  return compileAnyOf(scope, endsWithAny)
}

/** A search anywhere in the text. */
export function compileMatches({ leaf, attribute, wanted, compilePattern }: LeafScope): Test {
  const pattern = readText(leaf['value'], 'the pattern')
  if (pattern === '' || pattern.length > patternLengthMax) {
    refuse(`a pattern has 1 to ${patternLengthMax} characters, not ${pattern.length}`)
  }
  if (compilePattern === null) refuse('this reader has no patterns')
  const search = compilePattern(pattern)
  return (run) => {
    const value = readAttribute(attribute, run)
    return typeof value === 'string' && search(value) === wanted
  }
}

function compileAnyOf(scope: LeafScope, isAnyOf: (text: string, texts: readonly string[]) => boolean): Test {
  const { leaf, attribute, wanted } = scope
  const { texts, isFolding } = readTexts(leaf)
  const read = isFolding ? foldedOf : readAttribute
  return (run) => {
    const value = read(attribute, run)
    return typeof value === 'string' && isAnyOf(value, texts) === wanted
  }
}

function containsAny(text: string, texts: readonly string[]): boolean {
  for (const part of texts) if (text.includes(part)) return true
  return false
}

function startsWithAny(text: string, texts: readonly string[]): boolean {
  for (const prefix of texts) if (text.startsWith(prefix)) return true
  return false
}

function endsWithAny(text: string, texts: readonly string[]): boolean {
  for (const suffix of texts) if (text.endsWith(suffix)) return true
  return false
}
