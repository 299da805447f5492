/** Where targeting reads facts of the request, which not every evaluation has. Pure. */
import type { Condition, Override, Rule, SegmentConfig, Serve } from '@halyard/shared/engine/model.ts'
import type { Warning } from '@halyard/shared/contract/written.ts'
import { show, showList } from '@halyard/shared/words/show.ts'
import { canonicalJson } from '../canonical-json.ts'
import { bucketedBy } from './moved-buckets.ts'

interface Targeting {
  readonly overrides: readonly Override[]
  readonly rules: readonly Rule[]
  readonly fallthrough: Serve
}

type Membership = Pick<SegmentConfig, 'attribute'> & { readonly when: Condition | null }

/** Told of each override, rule and fallthrough that is new or changed. Pointers are into the state. */
export function flagFacts(before: Targeting | null, after: Targeting): Warning[] {
  const known = new Set(before ? readingsOf(before).map(({ text }) => text) : [])
  return readingsOf(after).flatMap(({ text, pointer, paths }) =>
    known.has(text) ? [] : warningsOf(paths, pointer),
  )
}

/** Told of a segment's tree and of its attribute, if they change. */
export function segmentFacts(before: Membership | null, after: Membership): Warning[] {
  const isNewTree = textOf(before?.when ?? null) !== textOf(after.when)
  return [
    ...(before?.attribute === after.attribute ? [] : warningsOf([after.attribute], '/attribute')),
    ...(isNewTree && after.when ? warningsOf(attributesIn(after.when), '/when') : []),
  ]
}

interface Reading {
  /** What makes it another one. */
  readonly text: string
  readonly pointer: string
  readonly paths: readonly string[]
}

function readingsOf({ overrides, rules, fallthrough }: Targeting): Reading[] {
  const by = bucketedBy(fallthrough)
  return [
    ...overrides.map(({ attribute }, index) => ({
      text: `override ${attribute}`,
      pointer: `/overrides/${index}/attribute`,
      paths: [attribute],
    })),
    ...rules.map((rule, index) => ({
      text: `rule ${textOf(rule)}`,
      pointer: `/rules/${index}`,
      paths: attributesOf(rule),
    })),
    { text: `fallthrough ${by}`, pointer: '/fallthrough', paths: by === null ? [] : [by] },
  ]
}

function warningsOf(paths: readonly string[], pointer: string): Warning[] {
  const facts = [...new Set(paths)].filter((path) => path === 'edge' || path.startsWith('edge.'))
  if (facts.length === 0) return []
  const names = showList(
    facts.map((path) => show(path)),
    'and',
  )
  const detail = `reads ${names}: the edge sets it for client keys; for server keys and in an SDK that evaluates locally it is absent unless the caller passes it`
  return [{ code: 'request_facts', pointer, detail }]
}

function attributesOf({ when, sample, serve }: Rule): string[] {
  const by = bucketedBy(serve)
  return [...attributesIn(when), ...(sample ? [sample.by] : []), ...(by === null ? [] : [by])]
}

function attributesIn(condition: Condition): string[] {
  if ('all' in condition) return condition.all.flatMap(attributesIn)
  if ('any' in condition) return condition.any.flatMap(attributesIn)
  if ('not' in condition) return attributesIn(condition.not)
  return 'attribute' in condition ? [condition.attribute] : []
}

function textOf(value: object | null): string {
  return canonicalJson(value as never) // parsed from JSON
}
