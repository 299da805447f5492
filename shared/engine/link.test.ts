import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { link, referenceDepthMax, type LinkProblem } from './link.ts'

type References = Readonly<Record<string, readonly string[]>>

/** Settles each of the nodes in this order, and gives what each was found to be. */
function linkAll(references: References, order: readonly string[] = Object.keys(references)) {
  const settled = new Map<string, { height: number; problem: LinkProblem | null }>()
  for (const root of order) {
    if (settled.has(root)) continue
    link(root, {
      referencesOf: (node) => references[node] ?? [],
      heightOf: (node) => settled.get(node)?.height ?? null,
      settle: (node, height, problem) => {
        expect(settled.has(node), 'settled once').toBe(false)
        settled.set(node, { height, problem })
      },
    })
  }
  return settled
}

const problemsOf = (references: References, order?: readonly string[]) =>
  Object.fromEntries([...linkAll(references, order)].map(([node, { problem }]) => [node, problem]))

const chain = (length: number): References =>
  Object.fromEntries(Array.from({ length }, (_, i) => [`n${i}`, i + 1 < length ? [`n${i + 1}`] : []]))

test('a node that names itself is a cycle', () => {
  expect(problemsOf({ a: ['a'] })).toEqual({ a: 'cycle' })
})

test('those on a cycle are in trouble, and those that lead to it are not', () => {
  const references = { a: ['b'], b: ['c'], c: ['d', 'e'], d: ['b'], e: [] }
  expect(problemsOf(references)).toEqual({ a: null, b: 'cycle', c: 'cycle', d: 'cycle', e: null })
})

test('two ways to one node are no cycle', () => {
  expect(problemsOf({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] })).toEqual({
    a: null,
    b: null,
    c: null,
    d: null,
  })
})

test('a node and a cycle that meet in one walk are told apart', () => {
  const references = { a: ['b', 'd'], b: ['c'], c: ['b'], d: ['b', 'a2'], a2: ['d'] }
  expect(problemsOf(references)).toEqual({ a: null, b: 'cycle', c: 'cycle', d: 'cycle', a2: 'cycle' })
})

test('a chain may be as long as the limit, and what lies above is in trouble', () => {
  expect(new Set(Object.values(problemsOf(chain(referenceDepthMax))))).toEqual(new Set([null]))
  const { n0, n1 } = problemsOf(chain(referenceDepthMax + 1))
  expect([n0, n1]).toEqual(['depth', null])
})

test('a chain of a hundred thousand does not run out of stack', () => {
  expect(linkAll(chain(100_000)).size).toBe(100_000)
})

test('the verdicts do not depend on where the walk begins, and are those of a plain search', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const graph = fc.record(Object.fromEntries(names.map((name) => [name, fc.subarray(names)])))
  fc.assert(
    fc.property(graph, fc.shuffledSubarray(names, { minLength: names.length }), (references, order) => {
      const problems = problemsOf(references, order)
      for (const name of names) expect(problems[name] === 'cycle', name).toBe(isOnCycle(name, references))
    }),
    { numRuns: 1_000 },
  )
})

function isOnCycle(name: string, references: References): boolean {
  const reached = new Set(references[name])
  for (const node of reached) for (const next of references[node] ?? []) reached.add(next)
  return reached.has(name)
}
