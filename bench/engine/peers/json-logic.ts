/** json-logic-engine, a rule engine without flags: the bench brings versions and, from Halyard, bucketing. */
import { bucketOfHash, hashOf, parseSeed } from '@halyard/shared/engine/bucketing.ts'
import { packVersion } from '../floor.ts'
import { seedOf } from '../flags.ts'
import type { PlainDocument, PlainFlag, PlainSegment, PlainTest } from '../plain-document.ts'
import { askOneByOne, importPeer, type Loaded, type Peer } from '../product.ts'

type Logic = boolean | string | number | readonly Logic[] | { readonly [operator: string]: Logic }

interface LogicEngine {
  readonly addMethod: (
    name: string,
    method: (args: never) => boolean,
    options: { deterministic: true },
  ) => void
  readonly build: (logic: Logic) => (data: object) => unknown
  readonly run: (logic: Logic, data: object) => unknown
}

interface Module {
  readonly LogicEngine: new () => LogicEngine
}

const packageName = 'json-logic-engine'
const note = 'bare rules: no reasons; versions and bucketing are custom operators of the bench'

export const jsonLogicCompiled: Peer = {
  package: packageName,
  note: `compiled with new Function, which workerd refuses; ${note}`,
  open: () => open((engine, logic) => engine.build(logic)),
}

export const jsonLogicInterpreted: Peer = {
  package: packageName,
  note,
  open: () => open((engine, logic) => (data) => engine.run(logic, data)),
}

async function open(prepare: (engine: LogicEngine, logic: Logic) => (data: object) => unknown) {
  const { LogicEngine } = await importPeer<Module>(packageName)
  return {
    write: ({ flags, segments }: PlainDocument) =>
      JSON.stringify(Object.fromEntries(flags.map((flag, i) => [flag.key, logicOf(flag, segments, i)]))),
    load: (text: string): Loaded => {
      const engine = makeEngine(new LogicEngine())
      const flags: { [key: string]: Logic } = JSON.parse(text)
      const tests = new Map(Object.entries(flags).map(([key, logic]) => [key, prepare(engine, logic)]))
      const keys = [...tests.keys()]
      return {
        forContext: (context) =>
          askOneByOne(
            () => keys,
            (key) => tests.get(key)?.(context) === true,
          ),
      }
    },
  }
}

function makeEngine(engine: LogicEngine): LogicEngine {
  const pure = { deterministic: true } as const
  engine.addMethod('starts_with', ([text, part]: [string, string]) => text.startsWith(part), pure)
  engine.addMethod('ends_with', ([text, part]: [string, string]) => text.endsWith(part), pure)
  engine.addMethod('at_least', ([one, other]: [string, number]) => packVersion(one) >= other, pure)
  engine.addMethod(
    'share',
    ([id, high, low, end]: [string, number, number, number]) => bucketOfHash(hashOf(id), { high, low }) < end,
    pure,
  )
  return engine
}

function logicOf(
  { isEnabled, testers, rules, percent }: PlainFlag,
  segments: readonly PlainSegment[],
  index: number,
): Logic {
  if (!isEnabled) return false
  const steps = rules.flatMap((rule): Logic[] => [
    all(rule.tests.map((test) => testOf(test, segments))),
    shareOf(rule.percent, index),
  ])
  const first: Logic[] = testers.length === 0 ? [] : [{ in: [{ var: 'targetingKey' }, testers] }, true]
  const rest = shareOf(percent, index)
  return first.length + steps.length === 0 ? rest : { if: [...first, ...steps, rest] }
}

function shareOf(percent: number, index: number): Logic {
  if (percent === 0 || percent === 100) return percent === 100
  const { high, low } = parseSeed(seedOf(index)) ?? { high: 0, low: 0 }
  return { share: [{ var: 'targetingKey' }, high, low, percent * 1_000] }
}

function all(parts: readonly Logic[]): Logic {
  return parts.length === 1 ? (parts[0] ?? true) : { and: parts }
}

function testOf(test: PlainTest, segments: readonly PlainSegment[]): Logic {
  if (test.kind === 'segment') {
    const { ids = [], tests = [] } = segments.find(({ key }) => key === test.segment) ?? {}
    if (ids.length > 0) return { in: [{ var: 'targetingKey' }, ids] }
    return all(tests.map((part) => testOf(part, segments)))
  }
  const value = { var: test.attribute }
  switch (test.kind) {
    case 'in':
      return { in: [value, test.values] }
    case 'notIn':
      return { '!': [{ in: [value, test.values] }] }
    case 'startsWith':
      return { starts_with: [value, test.value] }
    case 'endsWith':
      return { ends_with: [value, test.value] }
    case 'above':
      return { '>': [value, test.value] }
    case 'versionAtLeast':
      return { at_least: [value, packVersion(test.value)] }
  }
  return test satisfies never
}
