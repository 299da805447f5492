import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { compilePattern } from '../pattern/pattern.ts'
import {
  bodyOf,
  context,
  environment,
  leaf,
  moment,
  scalar,
  type Environment,
} from './arbitraries.test-kit.ts'
import { baseFlag, comparable } from './cases.ts'
import { evaluate, evaluateAll, evaluateAllJson, evaluateForClient } from './evaluate.ts'
import { explain } from './explain.ts'
import { decisionJson } from './json.ts'
import type { EvaluationContext, Json } from './model.ts'
import { isOperator } from './operators/operators.ts'
import { isComparable, readPlainly } from './plain-reading.test-kit.ts'
import { attributesRead, nextBoundary, requiredBlobs } from './reach.ts'
import { formatBody, formatLine, loadSnapshot } from './snapshot.ts'

const json = fc.jsonValue().map((value) => value as Json) // JSON by another name
const keys = ['f', 'g', 'h', 'nowhere']
const load = (body: string) => loadSnapshot(body, { compilePattern })

test('any text as a body and any JSON as a context gives a decision', () => {
  const anyLine = fc.oneof(
    fc.string(),
    fc
      .tuple(fc.constantFrom('flag', 'segment', 'layer'), fc.jsonValue())
      .map(([kind, json]) => formatLine(kind, 'f', JSON.stringify(json))),
  )
  fc.assert(
    fc.property(fc.array(anyLine), fc.jsonValue(), (lines, anyContext) => {
      const context: EvaluationContext = Object(anyContext)
      const snapshot = load(lines.join('\n'))
      expect([requiredBlobs(snapshot), attributesRead(snapshot)]).toEqual([[], expect.any(Array)])
      expect(nextBoundary(snapshot, 0)).toBeGreaterThan(0)
      for (const decision of [
        evaluate(snapshot, 'f', context, 0),
        evaluateForClient(snapshot, 'f', context, 0),
        explain(snapshot, 'f', context, 0).decision,
        ...evaluateAll(snapshot, context, 0),
      ]) {
        expect(decision.reason).toBeTypeOf('string')
        JSON.parse(decisionJson(decision))
      }
    }),
    { numRuns: 500 },
  )
})

test('a readable environment with any one member replaced by any JSON gives decisions', () => {
  fc.assert(
    fc.property(environment, fc.nat(), json, context, (config, place, anyJson, context) => {
      const lines = bodyOf(config).split('\n')
      const changed = place % lines.length
      const snapshot = load(
        lines.map((line, i) => (i === changed ? withOnePart(line, place, anyJson) : line)).join('\n'),
      )
      for (const key of keys) {
        const decision = evaluate(snapshot, key, context, 0)
        expect(decision.reason).toBeTypeOf('string')
        expect(explain(snapshot, key, context, 0).decision).toEqual(decision)
      }
      nextBoundary(snapshot, 0)
    }),
    { numRuns: 1_500 },
  )
})

test('a generated flag is readable, so that the properties here are not about errors', () => {
  fc.assert(
    fc.property(environment, context, (config, context) => {
      const snapshot = load(bodyOf(config))
      for (const key of ['f', 'g', 'h']) {
        expect(evaluate(snapshot, key, context, 0)).not.toMatchObject({ errorCode: 'PARSE_ERROR' })
      }
    }),
    { numRuns: 500 },
  )
})

test('the decision is that of a plain reading of the definition', () => {
  fc.assert(
    fc.property(environment, context, moment, (config, context, now) => {
      const snapshot = load(bodyOf(config))
      for (const key of keys) {
        const decision = evaluate(snapshot, key, context, now)
        expect(decision, key).toMatchObject(readPlainly(key, { environment: config, context, now }))
        expect('metadata' in decision && decision.metadata).toEqual(metadataOf(config, key, { context, now }))
      }
    }),
    { numRuns: 4_000 },
  )
})

function metadataOf(
  config: Environment,
  key: string,
  { context, now }: { context: EvaluationContext; now: number },
) {
  const reading = readPlainly(key, { environment: config, context, now })
  return 'metadata' in reading ? reading.metadata : {}
}

test('explain gives the decision of evaluate, and bulk answers give that of each', () => {
  fc.assert(
    fc.property(environment, context, moment, (config, context, now) => {
      const snapshot = load(bodyOf(config))
      const all = evaluateAll(snapshot, context, now)
      for (const [i, key] of ['f', 'g', 'h'].entries()) {
        const decision = evaluate(snapshot, key, context, now)
        expect(explain(snapshot, key, context, now).decision).toBe(decision)
        expect(all[i]).toBe(decision)
      }
      expect(evaluateAllJson(snapshot, context, now)).toBe(all.map(decisionJson).join(','))
    }),
    { numRuns: 2_000 },
  )
})

test('class client gets what class server gets of visible flags, without the metadata', () => {
  fc.assert(
    fc.property(environment, context, moment, (config, context, now) => {
      const snapshot = load(bodyOf(config))
      for (const key of ['f', 'g', 'h']) {
        const seen = evaluateForClient(snapshot, key, context, now)
        const { metadata, ...full } = evaluate(snapshot, key, context, now)
        if (!config.flags[key]?.clientVisible) expect(seen).toMatchObject({ errorCode: 'FLAG_NOT_FOUND' })
        else if (full.reason === 'ERROR')
          expect(seen).toMatchObject({ errorCode: full.errorCode, metadata: {} })
        else expect(seen).toEqual({ ...full, metadata: metadata.expired ? { expired: true } : {} })
      }
      const visible = evaluateAll(snapshot, context, now, { clientOnly: true })
      expect(evaluateAllJson(snapshot, context, now, { clientOnly: true })).toBe(
        visible.map(decisionJson).join(','),
      )
    }),
    { numRuns: 500 },
  )
})

test('the order of names in a definition or a context changes nothing', () => {
  fc.assert(
    fc.property(environment, context, moment, (config, context, now) => {
      const one = load(bodyOf(config))
      const other = load(bodyOf(turned(config) as Environment)) // the same members
      for (const key of keys) {
        const decision = evaluate(other, key, Object(turned(context)), now)
        expect(decision).toEqual(evaluate(one, key, context, now))
      }
    }),
  )
})

test('a body that was parsed and written again is the same body', () => {
  fc.assert(
    fc.property(environment, (config) => {
      const body = bodyOf(config)
      const again = body.split('\n').map((line) => {
        const [kind = '', key = '', json = ''] = line.split('\t')
        return formatLine(kind, key, JSON.stringify(JSON.parse(json)))
      })
      expect(formatBody(again)).toBe(body)
    }),
  )
})

test('contexts that agree on the attributes read get the same answers', () => {
  fc.assert(
    fc.property(environment, context, context, moment, (config, one, other, now) => {
      const snapshot = load(bodyOf(config))
      const names = new Set(attributesRead(snapshot).map((path) => path.split('.')[0]))
      const rest = Object.entries(other).filter(([name]) => !names.has(name))
      const mixed = Object.fromEntries([...Object.entries(one).filter(([name]) => names.has(name)), ...rest])
      expect(evaluateAll(snapshot, mixed, now)).toEqual(evaluateAll(snapshot, one, now))
    }),
    { numRuns: 500 },
  )
})

test('before the next boundary time alone changes no answer', () => {
  fc.assert(
    fc.property(
      environment,
      context,
      moment,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (config, context, now, part) => {
        const snapshot = load(bodyOf(config))
        for (const clientOnly of [false, true]) {
          const next = nextBoundary(snapshot, now, { clientOnly })
          expect(next).toBeGreaterThan(now)
          const later = now + Math.floor((Math.min(next, 1_000) - now) * part)
          fc.pre(later < next)
          expect(evaluateAll(snapshot, context, later, { clientOnly })).toEqual(
            evaluateAll(snapshot, context, now, { clientOnly }),
          )
        }
      },
    ),
    { numRuns: 2_000 },
  )
})

test('a missing attribute never matches, with negate or without', () => {
  fc.assert(
    fc.property(leaf, (when) => {
      expect(reasonOf(when, {})).toBe('DEFAULT')
    }),
  )
})

test('of a leaf and its negation at most one matches, and exactly one if the types are right', () => {
  const seenValue: fc.Arbitrary<Json> = fc.oneof(
    scalar,
    fc.constant(null),
    fc.array(scalar, { maxLength: 2 }),
  )
  fc.assert(
    fc.property(leaf, seenValue, (when, seen) => {
      const matches = [true, false].filter(
        (negate) => reasonOf({ ...when, attribute: 'q', negate }, { q: seen }) === 'TARGETING_MATCH',
      )
      expect(matches).toHaveLength(isComparable(when, seen) ? 1 : 0)
    }),
    { numRuns: 1_000 },
  )
})

test('an unknown operator makes its flag an error and leaves those that do not ask for it as they were', () => {
  fc.assert(
    fc.property(environment, context, fc.string(), (config, context, op) => {
      fc.pre(!isOperator(op))
      const when = { attribute: 'a', op, value: 1 }
      const broken = { ...baseFlag, rules: [{ id: 'r', when, serve: { variant: 'on' } }] }
      const snapshot = load([bodyOf(config), formatLine('flag', 'x', JSON.stringify(broken))].join('\n'))
      const alone = load(bodyOf(config))
      expect(evaluate(snapshot, 'x', context, 0)).toMatchObject({ errorCode: 'PARSE_ERROR' })
      for (const key of keys) {
        expect(comparable(evaluate(snapshot, key, context, 0))).toEqual(
          comparable(evaluate(alone, key, context, 0)),
        )
      }
    }),
  )
})

function reasonOf(when: object, context: EvaluationContext): string {
  const flag = { ...baseFlag, rules: [{ id: 'r', when, serve: { variant: 'on' } }] }
  return evaluate(load(formatLine('flag', 'f', JSON.stringify(flag))), 'f', context, 0).reason
}

/** A line with one part of its JSON replaced. */
function withOnePart(line: string, place: number, part: Json): string {
  const [kind = '', key = '', json = ''] = line.split('\t')
  const parsed: unknown = JSON.parse(json)
  let count = 0
  JSON.stringify(parsed, (_, value: unknown) => (count++, value))
  let at = 0
  return formatLine(
    kind,
    key,
    JSON.stringify(parsed, (_, value: unknown) => (at++ === place % count ? part : value)),
  )
}

/** The same JSON with the names of every object the other way round. */
function turned(json: unknown): unknown {
  if (Array.isArray(json)) return json.map(turned)
  if (typeof json !== 'object' || json === null) return json
  return Object.fromEntries(
    Object.entries(json)
      .toReversed()
      .map(([key, part]) => [key, turned(part)]),
  )
}
