/** Statsig's server SDK in JavaScript: https://docs.statsig.com/server/nodejsServerSDK */
import { createHash } from 'node:crypto'
import type { PlainContext, PlainFlag, PlainRule, PlainSegment, PlainTest } from '../plain-document.ts'
import { askOneByOne, importPeer, type Loaded, type Peer } from '../product.ts'

interface Server {
  readonly initializeAsync: () => Promise<unknown>
  readonly checkGate: (user: object, gate: string, options: { disableExposureLogging: true }) => boolean
  readonly shutdown: () => void
}

interface Module {
  readonly StatsigServer: new (secret: string, options: object) => Server
}

const packageName = 'statsig-node'
const everybody = { type: 'public', targetValue: null, operator: null, field: null, additionalValues: {} }
const unlogged = { disableExposureLogging: true } as const
const ended = async () => {}

export const statsig: Peer = {
  package: packageName,
  note: 'the SDK in JavaScript; its successor, @statsig/statsig-node-core, is a native binary',
  open: async () => {
    const { StatsigServer } = await importPeer<Module>(packageName)
    return {
      // The rules, then a line for each list of ids: as they arrive, in requests of their own.
      write: ({ flags, segments }) => {
        const lists = segments.filter(({ ids }) => ids.length > 0)
        const listed = new Set(lists.map(({ key }) => key))
        const gates = [
          ...flags.map((flag) => gateOf(flag, listed)),
          ...segments.filter(({ ids }) => ids.length === 0).map(segmentGateOf),
        ]
        return [
          specsOf(gates),
          ...lists.map(({ key, ids }) => JSON.stringify({ key, text: listOf(ids) })),
        ].join('\n')
      },
      load: (text) => {
        const [rules = '', ...lists] = text.split('\n')
        const server = new StatsigServer('secret-bench', {
          ...(lists.length === 0 ? { bootstrapValues: rules } : { dataAdapter: adapterOf(rules, lists) }),
          localMode: true,
          disableDiagnostics: true,
          disableAllLogging: true,
          disableRulesetsSync: true,
          disableIdListsSync: true,
          initStrategyForIP3Country: 'none',
          initStrategyForIDLists: lists.length === 0 ? 'none' : 'await',
        })
        return start(server, rules)
      },
    }
  },
}

async function start(server: Server, rules: string): Promise<Loaded> {
  await server.initializeAsync()
  let keys: readonly string[] | null = null // not needed to be ready
  return {
    forContext: (context) => {
      const user = userOf(context)
      return askOneByOne(
        () => (keys ??= keysOf(rules)),
        (key) => server.checkGate(user, key, unlogged),
      )
    },
    close: () => server.shutdown(),
  }
}

/** The gates that are flags. */
function keysOf(rules: string): string[] {
  const { feature_gates: gates }: { feature_gates: { name: string; entity: string }[] } = JSON.parse(rules)
  return gates.filter((gate) => gate.entity === 'feature_gate').map((gate) => gate.name)
}

function adapterOf(rules: string, lines: readonly string[]) {
  const lists = new Map(
    lines.map((line) => {
      const { key, text }: { key: string; text: string } = JSON.parse(line)
      return [key, text]
    }),
  )
  return {
    initialize: ended,
    shutdown: ended,
    set: ended,
    get: async (path: string) => {
      if (path.includes('download_config_specs')) return { result: rules, time: 1 }
      if (path.includes('get_id_lists')) return { result: JSON.stringify([...lists.keys()]), time: 1 }
      return { result: lists.get(path.split('::')[1]?.split('|')[0] ?? ''), time: 1 }
    },
  }
}

function userOf({ targetingKey, email, country, appVersion, ...custom }: PlainContext) {
  return { userID: targetingKey, email, country, appVersion, custom }
}

function specsOf(gates: readonly object[]): string {
  return JSON.stringify({
    feature_gates: gates,
    dynamic_configs: [],
    layer_configs: [],
    time: 1,
    has_updates: true,
  })
}

function gateOf({ key, isEnabled, testers, rules, percent }: PlainFlag, listed: ReadonlySet<string>) {
  const test = { kind: 'in', attribute: 'targetingKey', values: testers } as const
  const first = testers.length === 0 ? [] : [{ tests: [test], percent: 100 }]
  const rest = percent === 0 ? [] : [{ tests: [], percent }]
  const made = [...first, ...rules, ...rest].map((rule, i) => ruleOf(rule, `${key}-${i}`, listed))
  return specOf(key, 'feature_gate', { isEnabled, rules: made })
}

function segmentGateOf({ key, tests }: PlainSegment) {
  const rules = [ruleOf({ tests, percent: 100 }, key, new Set())]
  return specOf(key, 'segment', { isEnabled: true, rules })
}

function specOf(name: string, entity: string, { isEnabled, rules }: { isEnabled: boolean; rules: object[] }) {
  return {
    name,
    type: 'feature_gate',
    salt: name,
    enabled: isEnabled,
    defaultValue: false,
    rules,
    idType: 'userID',
    entity,
  }
}

function ruleOf({ tests, percent }: PlainRule, id: string, listed: ReadonlySet<string>) {
  const conditions = tests.length === 0 ? [everybody] : tests.map((test) => conditionOf(test, listed))
  return { name: id, id, salt: id, passPercentage: percent, conditions, returnValue: true, idType: 'userID' }
}

function conditionOf(test: PlainTest, listed: ReadonlySet<string>) {
  const common = { additionalValues: {}, idType: 'userID' }
  if (test.kind === 'segment') {
    return listed.has(test.segment)
      ? { ...common, type: 'unit_id', operator: 'in_segment_list', targetValue: test.segment, field: null }
      : { ...common, type: 'pass_gate', operator: null, targetValue: test.segment, field: null }
  }
  const field =
    test.attribute === 'targetingKey'
      ? { type: 'unit_id', field: null }
      : { type: 'user_field', field: test.attribute }
  return { ...common, ...field, ...operatorOf(test) }
}

function operatorOf(test: Exclude<PlainTest, { kind: 'segment' }>) {
  switch (test.kind) {
    case 'in':
      return { operator: 'any_case_sensitive', targetValue: test.values }
    case 'notIn':
      return { operator: 'none_case_sensitive', targetValue: test.values }
    case 'startsWith':
      return { operator: 'str_starts_with_any', targetValue: [test.value] }
    case 'endsWith':
      return { operator: 'str_ends_with_any', targetValue: [test.value] }
    case 'above':
      return { operator: 'gt', targetValue: test.value }
    case 'versionAtLeast':
      return { operator: 'version_gte', targetValue: test.value }
  }
  return test satisfies never
}

/** A list of ids holds the first eight characters of each one's SHA-256 in Base64. */
function listOf(ids: readonly string[]): string {
  return ids.map((id) => `+${createHash('sha256').update(id).digest('base64').slice(0, 8)}`).join('\n')
}
