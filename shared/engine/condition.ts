import { attributeAt, type Attribute, type Attributes } from './attribute.ts'
import { isOperator, operators, type Test } from './operators.ts'
import { isShape, readBoolean, readList, readShape, readText, refuse, type Shape } from './shape.ts'

/** `test` decides; the rest is what `explain` walks. */
export type CompiledCondition =
  | { readonly kind: 'all' | 'any'; readonly parts: readonly CompiledCondition[]; readonly test: Test }
  | { readonly kind: 'not'; readonly part: CompiledCondition; readonly test: Test }
  | { readonly kind: 'leaf'; readonly leaf: Shape; readonly attribute: Attribute; readonly test: Test }

const depthMax = 10
const leavesMax = 200
const listMembers = { all: new Set(['all']), any: new Set(['any']), not: new Set(['not']) } as const
const leafMembers = new Set(['attribute', 'op', 'value', 'values', 'negate'])

/** Compiles a condition tree. Throws a SyntaxError if it is of another shape, too deep or too large. */
export function compileCondition(raw: unknown, attributes: Attributes): CompiledCondition {
  const condition = compileAt(raw, attributes, 0)
  return countLeaves(condition) <= leavesMax ? condition : refuse(`a rule has more than ${leavesMax} leaves`)
}

/** `depth` counts the `all`, `any` and `not` above. */
function compileAt(raw: unknown, attributes: Attributes, depth: number): CompiledCondition {
  if (!isShape(raw)) refuse('a condition is not an object')
  const kind = Object.hasOwn(raw, 'all') ? 'all' : Object.hasOwn(raw, 'any') ? 'any' : 'not'
  if (!Object.hasOwn(raw, kind)) return compileLeaf(raw, attributes)
  if (depth === depthMax) refuse(`a condition is deeper than ${depthMax}`)
  readShape(raw, `"${kind}"`, listMembers[kind])
  if (kind === 'not') {
    const part = compileAt(raw['not'], attributes, depth + 1)
    return { kind, part, test: (run) => !part.test(run) }
  }
  const parts = readList(raw[kind], `"${kind}"`).map((item) => compileAt(item, attributes, depth + 1))
  const tests = parts.map((part) => part.test)
  return { kind, parts, test: kind === 'all' ? testAll(tests) : testAny(tests) }
}

function compileLeaf(raw: Shape, attributes: Attributes): CompiledCondition {
  const op = readText(raw['op'], 'an operator')
  if (!isOperator(op)) refuse(`unknown operator "${op}"`)
  const leaf = readShape(raw, 'a leaf', leafMembers)
  const attribute = attributeAt(attributes, readText(leaf['attribute'], 'the attribute of a leaf'))
  const negate = leaf['negate'] !== undefined && readBoolean(leaf['negate'], '"negate"')
  return { kind: 'leaf', leaf, attribute, test: operators[op]({ leaf, attribute, wanted: !negate }) }
}

function testAll(tests: readonly Test[]): Test {
  // Most rules have two leaves: without the loop they take a tenth less.
  const [first, second, third] = tests
  if (first && second && !third) return (run) => first(run) && second(run)
  return (run) => {
    for (const test of tests) if (!test(run)) return false
    return true
  }
}

function testAny(tests: readonly Test[]): Test {
  return (run) => {
    for (const test of tests) if (test(run)) return true
    return false
  }
}

function countLeaves(condition: CompiledCondition): number {
  switch (condition.kind) {
    case 'leaf':
      return 1
    case 'not':
      return countLeaves(condition.part)
    case 'all':
    case 'any':
      return condition.parts.reduce((sum, part) => sum + countLeaves(part), 0)
  }
  return condition satisfies never
}
