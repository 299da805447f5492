/** PostHog with local evaluation: https://posthog.com/docs/feature-flags/local-evaluation */
import type { PlainContext, PlainFlag, PlainRule, PlainSegment, PlainTest } from '../plain-document.ts'
import { importPeer, valuesOf, type Loaded, type Peer } from '../product.ts'

interface Client {
  readonly waitForLocalEvaluationReady: () => Promise<boolean>
  readonly getFeatureFlagResult: (
    key: string,
    id: string,
    options: object,
  ) => Promise<{ enabled: boolean } | undefined>
  readonly getAllFlags: (id: string, options: object) => Promise<Record<string, unknown>>
  readonly shutdown: () => Promise<void>
}

interface Module {
  readonly PostHog: new (key: string, options: object) => Client
}

const packageName = 'posthog-node'

export const posthog: Peer = {
  package: packageName,
  isAsync: true,
  hasThreads: true,
  note: 'answers in a promise, which is awaited; hashes by Web Crypto, in other threads',
  open: async () => {
    const { PostHog } = await importPeer<Module>(packageName)
    return {
      write: ({ flags, segments }) => {
        const ids = new Map(segments.map((segment, i) => [segment.key, i + 1]))
        return JSON.stringify({
          flags: flags.map((flag, i) => flagOf(flag, i + 1, ids)),
          group_type_mapping: {},
          cohorts: Object.fromEntries(segments.map((segment, i) => [String(i + 1), cohortOf(segment)])),
        })
      },
      load: (text) =>
        start(
          new PostHog('phc_bench', {
            host: 'http://127.0.0.1:9',
            sendFeatureFlagEvent: false,
            strictLocalEvaluation: true,
            flagDefinitionCacheProvider: cacheOf(text),
          }),
        ),
    }
  },
}

async function start(client: Client): Promise<Loaded> {
  if (!(await client.waitForLocalEvaluationReady())) throw new Error('PostHog took no flags')
  return {
    forContext: (context) => {
      const id = context.targetingKey
      const options = {
        personProperties: propertiesOf(context),
        onlyEvaluateLocally: true,
        sendFeatureFlagEvents: false,
      }
      return {
        one: (key) => client.getFeatureFlagResult(key, id, options),
        all: () => client.getAllFlags(id, options),
        value: async (key) => (await client.getFeatureFlagResult(key, id, options))?.enabled === true,
        values: async () => valuesOf(Object.entries(await client.getAllFlags(id, options))),
      }
    },
    close: () => client.shutdown(),
  }
}

function cacheOf(text: string) {
  return {
    getFlagDefinitions: () => JSON.parse(text),
    shouldFetchFlagDefinitions: () => false,
    onFlagDefinitionsReceived: () => {},
    shutdown: () => {},
  }
}

function propertiesOf(context: PlainContext) {
  return { ...context }
}

function flagOf(
  { key, isEnabled, testers, rules, percent }: PlainFlag,
  id: number,
  ids: ReadonlyMap<string, number>,
) {
  const test = { kind: 'in', attribute: 'targetingKey', values: testers } as const
  const groups = [
    ...(testers.length === 0 ? [] : [{ tests: [test], percent: 100 }]),
    ...rules,
    ...(percent === 0 ? [] : [{ tests: [], percent }]),
  ]
  return { id, key, active: isEnabled, filters: { groups: groups.map((rule) => groupOf(rule, ids)) } }
}

function groupOf({ tests, percent }: PlainRule, ids: ReadonlyMap<string, number>) {
  const properties = tests.map((test) =>
    test.kind === 'segment'
      ? { key: 'id', type: 'cohort', operator: 'in', value: ids.get(test.segment) }
      : propertyOf(test),
  )
  return { properties, rollout_percentage: percent }
}

function cohortOf({ ids, tests }: PlainSegment) {
  const listed = { kind: 'in', attribute: 'targetingKey', values: ids } as const
  return { type: 'AND', values: ids.length > 0 ? [propertyOf(listed)] : tests.map(propertyOf) }
}

function propertyOf(test: Exclude<PlainTest, { kind: 'segment' }>) {
  const property = { key: test.attribute, type: 'person' }
  switch (test.kind) {
    case 'in':
      return { ...property, operator: 'exact', value: test.values }
    case 'notIn':
      return { ...property, operator: 'is_not', value: test.values }
    case 'startsWith':
      return { ...property, operator: 'starts_with', value: test.value }
    case 'endsWith':
      return { ...property, operator: 'ends_with', value: test.value }
    case 'above':
      return { ...property, operator: 'gt', value: test.value }
    case 'versionAtLeast':
      return { ...property, operator: 'semver_gte', value: test.value }
  }
  return test satisfies never
}
