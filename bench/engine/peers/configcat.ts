/** ConfigCat: https://configcat.com/docs/sdk-reference/js/node, flags as in its config_v6.json */
import type { PlainContext, PlainFlag, PlainRule, PlainSegment, PlainTest } from '../plain-document.ts'
import { askOneByOne, importPeer, type Loaded, type Peer } from '../product.ts'

interface Snapshot {
  readonly getAllKeys: () => readonly string[]
  readonly getValue: (key: string, fallback: boolean, user: object) => boolean
}

interface Client {
  readonly waitForReady: () => Promise<unknown>
  readonly snapshot: () => Snapshot
  readonly dispose: () => void
}

interface Module {
  readonly getClient: (sdkKey: string, mode: number, options: object) => Client
  readonly PollingMode: { readonly ManualPoll: number }
  readonly createConsoleLogger: (level: number) => object
  readonly LogLevel: { readonly Off: number }
}

const packageName = '@configcat/sdk'
// A key of the right form; nothing is ever fetched with it.
const sdkKey = 'configcat-sdk-1/0000000000000000000000/0000000000000000000000'
/** ConfigCat's numbers of its comparators. */
const comparators = {
  in: 0,
  notIn: 1,
  versionAtLeast: 9,
  above: 14,
  startsWith: 30,
  endsWith: 32,
} as const

export const configcat: Peer = {
  package: packageName,
  open: async () => {
    const { getClient, PollingMode, createConsoleLogger, LogLevel } = await importPeer<Module>(packageName)
    return {
      write: ({ flags, segments }) => {
        const indexes = new Map(segments.map((segment, i) => [segment.key, i]))
        return JSON.stringify({
          p: { u: 'https://127.0.0.1', r: 0, s: 'salt' },
          s: segments.map(segmentOf),
          f: Object.fromEntries(flags.map((flag) => [flag.key, settingOf(flag, indexes)])),
        })
      },
      load: (text) =>
        start(
          getClient(sdkKey, PollingMode.ManualPoll, {
            offline: true,
            logger: createConsoleLogger(LogLevel.Off),
            cache: { get: () => `1750000000000\n"etag"\n${text}`, set: () => {} },
          }),
        ),
    }
  },
}

async function start(client: Client): Promise<Loaded> {
  await client.waitForReady()
  const snapshot = client.snapshot()
  const keys = snapshot.getAllKeys()
  return {
    forContext: (context) => {
      const user = userOf(context)
      return askOneByOne(
        () => keys,
        (key) => snapshot.getValue(key, false, user),
      )
    },
    close: () => client.dispose(),
  }
}

function userOf({ targetingKey, email, country, ...custom }: PlainContext) {
  return { identifier: targetingKey, email, country, custom }
}

function settingOf({ isEnabled, testers, rules, percent }: PlainFlag, indexes: ReadonlyMap<string, number>) {
  if (!isEnabled) return { t: 0, ...served(false) }
  const test = { kind: 'in', attribute: 'targetingKey', values: testers } as const
  const first = testers.length === 0 ? [] : [{ c: [{ u: conditionOf(test) }], s: served(true) }]
  return {
    t: 0,
    r: [...first, ...rules.map((rule) => ruleOf(rule, indexes))],
    ...(percent !== 0 && percent !== 100 && { p: sharesOf(percent) }),
    ...served(percent === 100),
  }
}

function ruleOf({ tests, percent }: PlainRule, indexes: ReadonlyMap<string, number>) {
  const conditions = tests.map((test) =>
    test.kind === 'segment' ? { s: { s: indexes.get(test.segment), c: 0 } } : { u: conditionOf(test) },
  )
  return { c: conditions, ...(percent === 100 ? { s: served(true) } : { p: sharesOf(percent) }) }
}

function sharesOf(percent: number) {
  return [
    { p: percent, ...served(true) },
    { p: 100 - percent, ...served(false) },
  ]
}

function served(value: boolean) {
  return { v: { b: value }, i: value ? 'on' : 'off' }
}

function segmentOf({ key, ids, tests }: PlainSegment) {
  const listed = { kind: 'in', attribute: 'targetingKey', values: ids } as const
  return { n: key, r: ids.length > 0 ? [conditionOf(listed)] : tests.map(conditionOf) }
}

function conditionOf(test: Exclude<PlainTest, { kind: 'segment' }>) {
  const condition = { a: attributeOf(test.attribute), c: comparators[test.kind] }
  switch (test.kind) {
    case 'in':
    case 'notIn':
      return { ...condition, l: test.values }
    case 'startsWith':
    case 'endsWith':
      return { ...condition, l: [test.value] }
    case 'above':
      return { ...condition, d: test.value }
    case 'versionAtLeast':
      return { ...condition, s: test.value }
  }
  return test satisfies never
}

function attributeOf(attribute: keyof PlainContext): string {
  if (attribute === 'targetingKey') return 'Identifier'
  if (attribute === 'email') return 'Email'
  return attribute === 'country' ? 'Country' : attribute
}
