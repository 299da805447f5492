/** LaunchDarkly's server SDK: https://launchdarkly.com/docs/sdk/server-side/node-js */
import type { PlainContext, PlainFlag, PlainRule, PlainSegment, PlainTest } from '../plain-document.ts'
import { importPeer, valuesOf, type Loaded, type Peer } from '../product.ts'

interface Client {
  readonly waitForInitialization: (options: { timeout: number }) => Promise<unknown>
  readonly variation: (key: string, context: object, fallback: boolean) => Promise<boolean>
  readonly allFlagsState: (context: object) => Promise<{ allValues: () => Record<string, unknown> }>
  readonly close: () => void
}

interface Payload {
  readonly flags: object
  readonly segments: object
}

interface Store {
  readonly init: (data: { features: object; segments: object }, done: () => void) => void
}

interface Module {
  readonly init: (sdkKey: string, options: object) => Client
  /** What the SDK's own data sources do to the data that they receive. */
  readonly reviveFullPayload: (payload: Payload) => Payload
  readonly basicLogger: (options: { level: 'none' }) => object
}

const packageName = '@launchdarkly/node-server-sdk'

export const launchdarkly: Peer = {
  package: packageName,
  isAsync: true,
  note: 'answers in a promise, which is awaited',
  open: async () => {
    const { init, reviveFullPayload, basicLogger } = await importPeer<Module>(packageName)
    return {
      write: ({ flags, segments }) =>
        JSON.stringify({
          flags: Object.fromEntries(flags.map((flag) => [flag.key, flagOf(flag)])),
          segments: Object.fromEntries(segments.map((segment) => [segment.key, segmentOf(segment)])),
        }),
      load: (text) => {
        const source = (_: unknown, store: Store, done: () => void) => ({
          start: () => {
            const { flags, segments } = reviveFullPayload(JSON.parse(text))
            store.init({ features: flags, segments }, done)
          },
          stop: () => {},
          close: () => {},
        })
        return start(
          init('bench', {
            updateProcessor: source,
            sendEvents: false,
            diagnosticOptOut: true,
            logger: basicLogger({ level: 'none' }),
          }),
        )
      },
    }
  },
}

async function start(client: Client): Promise<Loaded> {
  await client.waitForInitialization({ timeout: 10 })
  return {
    forContext: (plain) => {
      const context = contextOf(plain)
      return {
        one: (key) => client.variation(key, context, false),
        all: () => client.allFlagsState(context),
        value: (key) => client.variation(key, context, false),
        values: async () => valuesOf(Object.entries((await client.allFlagsState(context)).allValues())),
      }
    },
    close: () => client.close(),
  }
}

function contextOf({ targetingKey, ...attributes }: PlainContext) {
  return { kind: 'user', key: targetingKey, ...attributes }
}

function flagOf({ key, isEnabled, testers, rules, percent }: PlainFlag) {
  return {
    key,
    version: 1,
    on: isEnabled,
    variations: [true, false],
    offVariation: 1,
    targets: testers.length === 0 ? [] : [{ variation: 0, values: testers }],
    contextTargets: [],
    prerequisites: [],
    rules: rules.map((rule, i) => ruleOf(rule, `rule-${i + 1}`)),
    fallthrough: serveOf(percent),
    salt: key,
    trackEvents: false,
  }
}

function ruleOf({ tests, percent }: PlainRule, id: string) {
  return { id, clauses: tests.map(clauseOf), ...serveOf(percent) }
}

function serveOf(percent: number) {
  if (percent === 0 || percent === 100) return { variation: percent === 100 ? 0 : 1 }
  const variations = [
    { variation: 0, weight: percent * 1_000 },
    { variation: 1, weight: (100 - percent) * 1_000 },
  ]
  return { rollout: { contextKind: 'user', variations } }
}

function segmentOf({ key, ids, tests }: PlainSegment) {
  const rules = tests.length === 0 ? [] : [{ id: 'rule-1', clauses: tests.map(clauseOf) }]
  return { key, version: 1, included: ids, excluded: [], salt: key, rules }
}

function clauseOf(test: PlainTest) {
  if (test.kind === 'segment') {
    return { attribute: '', op: 'segmentMatch', values: [test.segment], negate: false }
  }
  const attribute = test.attribute === 'targetingKey' ? 'key' : test.attribute
  const clause = { contextKind: 'user', attribute, negate: false }
  switch (test.kind) {
    case 'in':
      return { ...clause, op: 'in', values: test.values }
    case 'notIn':
      return { ...clause, op: 'in', values: test.values, negate: true }
    case 'startsWith':
    case 'endsWith':
      return { ...clause, op: test.kind, values: [test.value] }
    case 'above':
      return { ...clause, op: 'greaterThan', values: [test.value] }
    case 'versionAtLeast':
      // There is no "at least".
      return { ...clause, op: 'semVerLessThan', values: [test.value], negate: true }
  }
  return test satisfies never
}
