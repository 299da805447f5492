/** flagd-core: https://flagd.dev/reference/flag-definitions */
import type { PlainFlag, PlainSegment, PlainTest } from '../plain-document.ts'
import { importPeer, valuesOf, type Loaded, type Peer } from '../product.ts'

type Logic = string | number | readonly Logic[] | { readonly [operator: string]: Logic }

interface FlagdCore {
  readonly setConfigurations: (text: string) => unknown
  readonly resolveBooleanEvaluation: (key: string, fallback: boolean, context: object) => { value: boolean }
  readonly resolveAll: (context: object) => readonly { flagKey: string; value: unknown }[]
}

interface Module {
  readonly FlagdCore: new (storage: undefined, logger: object) => FlagdCore
}

const packageName = '@openfeature/flagd-core'

export const flagd: Peer = {
  package: packageName,
  note: 'compiles its rules with new Function by default; has no segments: lists are written into the rules',
  open: async () => {
    const { FlagdCore } = await importPeer<Module>(packageName)
    return {
      write: ({ flags, segments }) =>
        JSON.stringify({
          $evaluators: Object.fromEntries(segments.map((segment) => [segment.key, segmentOf(segment)])),
          flags: Object.fromEntries(flags.map((flag) => [flag.key, flagOf(flag)])),
        }),
      load: (text) => {
        const core = new FlagdCore(undefined, silent)
        core.setConfigurations(text)
        return loaded(core)
      },
    }
  },
}

const ignore = () => {}
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore }

function loaded(core: FlagdCore): Loaded {
  return {
    forContext: (plain) => {
      const context = { ...plain }
      const value = (key: string) => core.resolveBooleanEvaluation(key, false, context).value
      return {
        one: (key) => core.resolveBooleanEvaluation(key, false, context),
        all: () => core.resolveAll(context),
        value,
        values: () => valuesOf(core.resolveAll(context).map((answer) => [answer.flagKey, answer.value])),
      }
    },
  }
}

function flagOf({ isEnabled, testers, rules, percent }: PlainFlag) {
  const steps = rules.flatMap((rule): Logic[] => [all(rule.tests.map(testOf)), shareOf(rule.percent)])
  const first: Logic[] = testers.length === 0 ? [] : [{ in: [{ var: 'targetingKey' }, testers] }, 'on']
  const parts = [...first, ...steps]
  const isPlain = parts.length === 0 && (percent === 0 || percent === 100)
  return {
    state: isEnabled ? 'ENABLED' : 'DISABLED',
    variants: { on: true, off: false },
    defaultVariant: percent === 100 ? 'on' : 'off',
    ...(!isPlain && {
      targeting: parts.length === 0 ? shareOf(percent) : { if: [...parts, shareOf(percent)] },
    }),
  }
}

function shareOf(percent: number): Logic {
  if (percent === 0 || percent === 100) return percent === 100 ? 'on' : 'off'
  const shares = [
    ['on', percent],
    ['off', 100 - percent],
  ]
  return { fractional: shares }
}

function segmentOf({ ids, tests }: PlainSegment): Logic {
  return ids.length > 0 ? { in: [{ var: 'targetingKey' }, ids] } : all(tests.map(testOf))
}

function all(parts: readonly Logic[]): Logic {
  return parts.length === 1 ? (parts[0] ?? []) : { and: parts }
}

function testOf(test: PlainTest): Logic {
  if (test.kind === 'segment') return { $ref: test.segment }
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
      return { sem_ver: [value, '>=', test.value] }
  }
  return test satisfies never
}
