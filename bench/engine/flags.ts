/** The scenarios' flags as Halyard has them. */
import { formatBody, formatLine } from '@halyard/shared/engine/snapshot.ts'
import type { Condition, FlagConfig, Rule, SegmentConfig, Serve } from '@halyard/shared/engine/model.ts'
import {
  mixedDocument,
  type PlainDocument,
  type PlainFlag,
  type PlainRule,
  type PlainSegment,
  type PlainTest,
} from './plain-document.ts'

export type Flags = ReadonlyMap<string, FlagConfig>

/** The mixed flags, each segment they name spelled out in its place, for those who have no use for segments. */
export function mixedFlags(count: number): Flags {
  const { flags, segments } = mixedDocument(count)
  return new Map(flags.map((flag, i) => [flag.key, makeFlag(withoutSegments(flag, segments), i)]))
}

/** The body of a snapshot. */
export function writeBody({ flags, segments }: PlainDocument): string {
  return formatBody([
    ...flags.map((flag, i) => formatLine('flag', flag.key, JSON.stringify(makeFlag(flag, i)))),
    ...segments.map((segment) => formatLine('segment', segment.key, JSON.stringify(makeSegment(segment)))),
  ])
}

/** The seed of a document's flag at `index`, as 16 hex digits. */
export function seedOf(index: number): string {
  return ((index + 1) * 0x9e3779b97f4a).toString(16).padStart(16, '0').slice(-16)
}

function withoutSegments(flag: PlainFlag, segments: readonly PlainSegment[]): PlainFlag {
  const spellOut = (test: PlainTest): PlainTest[] => {
    if (test.kind !== 'segment') return [test]
    const { ids = [], tests = [] } = segments.find(({ key }) => key === test.segment) ?? {}
    return ids.length > 0 ? [{ kind: 'in', attribute: 'targetingKey', values: ids }] : [...tests]
  }
  const rules = flag.rules.map(({ tests, percent }) => ({ tests: tests.flatMap(spellOut), percent }))
  return { ...flag, rules }
}

function makeFlag({ isEnabled, testers, rules, percent }: PlainFlag, index: number): FlagConfig {
  return {
    valueType: 'boolean',
    variants: [
      { key: 'on', value: true },
      { key: 'off', value: false },
    ],
    seed: seedOf(index),
    clientVisible: index % 2 === 0,
    enabled: isEnabled,
    offVariant: 'off',
    overrides: testers.length === 0 ? [] : [{ attribute: 'targetingKey', values: testers, variant: 'on' }],
    rules: rules.map(makeRule),
    fallthrough: makeServe(percent),
  }
}

function makeRule({ tests, percent }: PlainRule, index: number): Rule {
  return { id: `rule-${index + 1}`, when: { all: tests.map(makeCondition) }, serve: makeServe(percent) }
}

function makeServe(percent: number): Serve {
  if (percent === 100) return { variant: 'on' }
  if (percent === 0) return { variant: 'off' }
  const weights = [
    { variant: 'on', weight: percent * 1_000 },
    { variant: 'off', weight: (100 - percent) * 1_000 },
  ]
  return { split: { by: 'targetingKey', weights } }
}

function makeCondition(test: PlainTest): Condition {
  switch (test.kind) {
    case 'in':
      return { attribute: test.attribute, op: 'in', values: test.values }
    case 'notIn':
      return { attribute: test.attribute, op: 'in', values: test.values, negate: true }
    case 'startsWith':
    case 'endsWith':
      return { attribute: test.attribute, op: test.kind, values: [test.value] }
    case 'above':
      return { attribute: test.attribute, op: 'gt', value: test.value }
    case 'versionAtLeast':
      return { attribute: test.attribute, op: 'semverGte', value: test.value }
    case 'segment':
      return { segment: test.segment }
  }
  return test satisfies never
}

function makeSegment({ ids, tests }: PlainSegment): SegmentConfig {
  const lists = { attribute: 'targetingKey', include: ids, exclude: [] }
  return tests.length === 0 ? lists : { ...lists, when: { all: tests.map(makeCondition) } }
}
