/** GrowthBook's multi-user client: https://docs.growthbook.io/lib/node */
import type { PlainFlag, PlainRule, PlainSegment, PlainTest } from '../plain-document.ts'
import { askOneByOne, importPeer, type Peer } from '../product.ts'

interface GrowthBookClient {
  readonly initSync: (options: { payload: object }) => unknown
  readonly isOn: (key: string, user: { attributes: object }) => boolean
  readonly destroy: () => void
}

interface Module {
  readonly GrowthBookClient: new (options: object) => GrowthBookClient
}

const packageName = '@growthbook/growthbook'

export const growthbook: Peer = {
  package: packageName,
  open: async () => {
    const { GrowthBookClient } = await importPeer<Module>(packageName)
    return {
      write: ({ flags, segments }) =>
        JSON.stringify({
          features: Object.fromEntries(flags.map((flag) => [flag.key, featureOf(flag)])),
          savedGroups: Object.fromEntries(segments.map((segment) => [segment.key, groupOf(segment)])),
        }),
      load: (text) => {
        const payload: { features: object } = JSON.parse(text)
        const client = new GrowthBookClient({})
        client.initSync({ payload })
        const keys = Object.keys(payload.features)
        return {
          forContext: (context) => {
            const user = { attributes: { ...context } }
            return askOneByOne(
              () => keys,
              (key) => client.isOn(key, user),
            )
          },
          close: () => client.destroy(),
        }
      },
    }
  },
}

function featureOf({ isEnabled, testers, rules, percent }: PlainFlag) {
  if (!isEnabled) return { defaultValue: false }
  const first = testers.length === 0 ? [] : [{ condition: { targetingKey: { $in: testers } }, force: true }]
  const rest = percent === 0 || percent === 100 ? [] : [rolloutOf(percent)]
  return { defaultValue: percent === 100, rules: [...first, ...rules.map(ruleOf), ...rest] }
}

function ruleOf({ tests, percent }: PlainRule) {
  const conditions = tests.map(conditionOf)
  const condition = Object.assign({}, ...conditions)
  return percent === 100 ? { condition, force: true } : { condition, ...rolloutOf(percent) }
}

function rolloutOf(percent: number) {
  return { force: true, coverage: percent / 100, hashAttribute: 'targetingKey', hashVersion: 2 }
}

function groupOf({ ids, tests }: PlainSegment) {
  if (ids.length > 0) return { type: 'list', attributeKey: 'targetingKey', values: ids }
  return { type: 'condition', condition: Object.assign({}, ...tests.map(conditionOf)) }
}

function conditionOf(test: PlainTest): object {
  if (test.kind === 'segment') return { $savedGroup: { id: test.segment } }
  switch (test.kind) {
    case 'in':
      return { [test.attribute]: { $in: test.values } }
    case 'notIn':
      return { [test.attribute]: { $nin: test.values } }
    case 'startsWith':
      return { [test.attribute]: { $regex: `^${escape(test.value)}` } }
    case 'endsWith':
      return { [test.attribute]: { $regex: `${escape(test.value)}$` } }
    case 'above':
      return { [test.attribute]: { $gt: test.value } }
    case 'versionAtLeast':
      return { [test.attribute]: { $vgte: test.value } }
  }
  return test satisfies never
}

function escape(text: string): string {
  return text.replaceAll('.', '\\.')
}
