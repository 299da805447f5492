/** Unleash: https://docs.getunleash.io/reference/sdks/node */
import type { PlainContext, PlainFlag, PlainRule, PlainSegment, PlainTest } from '../plain-document.ts'
import { askOneByOne, importPeer, type Loaded, type Peer } from '../product.ts'

interface Unleash {
  readonly start: () => Promise<void>
  readonly on: (event: string, listener: () => void) => unknown
  readonly isEnabled: (key: string, context: object) => boolean
  readonly destroy: () => void
}

interface Module {
  readonly Unleash: new (config: object) => Unleash
  readonly InMemStorageProvider: new () => object
}

interface Written {
  readonly features: readonly { readonly name: string }[]
  readonly segments: readonly object[]
}

const packageName = 'unleash-client'

export const unleash: Peer = {
  package: packageName,
  open: async () => {
    const { Unleash, InMemStorageProvider } = await importPeer<Module>(packageName)
    return {
      write: ({ flags, segments }) => {
        const ids = new Map(segments.map((segment, i) => [segment.key, i + 1]))
        const features = flags.map((flag) => featureOf(flag, ids))
        const written: Written = {
          features,
          segments: segments.map((segment, i) => segmentOf(segment, i + 1)),
        }
        return JSON.stringify(written)
      },
      load: (text) => {
        const { features, segments }: Written = JSON.parse(text)
        const client = new Unleash({
          appName: 'bench',
          url: 'http://127.0.0.1:9/',
          refreshInterval: 0,
          disableMetrics: true,
          disableAutoStart: true,
          skipInstanceCountWarning: true,
          storageProvider: new InMemStorageProvider(),
          bootstrap: { data: features, segments },
        })
        return start(
          client,
          features.map((feature) => feature.name),
        )
      },
    }
  },
}

async function start(client: Unleash, keys: readonly string[]): Promise<Loaded> {
  const ready = new Promise<void>((resolve) => client.on('ready', resolve))
  await client.start()
  await ready
  return {
    forContext: (context) => {
      const user = userOf(context)
      return askOneByOne(
        () => keys,
        (key) => client.isEnabled(key, user),
      )
    },
    close: () => client.destroy(),
  }
}

function userOf({ targetingKey, ...properties }: PlainContext) {
  return { userId: targetingKey, properties }
}

function featureOf({ key, isEnabled, testers, rules, percent }: PlainFlag, ids: ReadonlyMap<string, number>) {
  const strategies = [
    ...(testers.length === 0 ? [] : [{ name: 'userWithId', parameters: { userIds: testers.join(',') } }]),
    ...rules.map((rule) => strategyOf(key, rule, ids)),
    ...(percent === 0 ? [] : [strategyOf(key, { tests: [], percent }, ids)]),
  ]
  return { name: key, type: 'release', enabled: isEnabled, stale: false, strategies, variants: [] }
}

function strategyOf(key: string, { tests, percent }: PlainRule, ids: ReadonlyMap<string, number>) {
  const segments = tests.flatMap((test) => (test.kind === 'segment' ? [ids.get(test.segment)] : []))
  const constraints = tests.flatMap((test) => (test.kind === 'segment' ? [] : [constraintOf(test)]))
  const rollout = { rollout: String(percent), stickiness: 'userId', groupId: key }
  return {
    ...(percent === 100
      ? { name: 'default', parameters: {} }
      : { name: 'flexibleRollout', parameters: rollout }),
    ...(constraints.length > 0 && { constraints }),
    ...(segments.length > 0 && { segments }),
  }
}

function segmentOf({ key, ids, tests }: PlainSegment, id: number) {
  const constraints =
    ids.length > 0 ? [{ contextName: 'userId', operator: 'IN', values: ids }] : tests.map(constraintOf)
  return { id, name: key, constraints }
}

function constraintOf(test: Exclude<PlainTest, { kind: 'segment' }>) {
  const contextName = test.attribute === 'targetingKey' ? 'userId' : test.attribute
  switch (test.kind) {
    case 'in':
      return { contextName, operator: 'IN', values: test.values }
    case 'notIn':
      return { contextName, operator: 'NOT_IN', values: test.values }
    case 'startsWith':
      return { contextName, operator: 'STR_STARTS_WITH', values: [test.value] }
    case 'endsWith':
      return { contextName, operator: 'STR_ENDS_WITH', values: [test.value] }
    case 'above':
      return { contextName, operator: 'NUM_GT', value: String(test.value) }
    case 'versionAtLeast':
      return { contextName, operator: 'SEMVER_GTE', value: test.value }
  }
  return test satisfies never
}
