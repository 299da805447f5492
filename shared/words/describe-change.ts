/** What became of a flag, segment or layer between two versions, as short lines. */
import type {
  Condition,
  Expiry,
  LayerConfig,
  Override,
  Prerequisite,
  SegmentMembers,
  Serve,
  Variant,
} from '../engine/model.ts'
import { describeAttribute, describeCondition } from './describe-condition.ts'
import { describeFallthrough, describeRule, type ReadableRule } from './describe-rule.ts'
import { count, show, showList, showMoment } from './show.ts'

/** What a flag's lines tell of it. */
export interface ReadableFlag {
  readonly variants: readonly Variant[]
  readonly clientVisible: boolean
  readonly expiry?: Expiry
  readonly state: {
    readonly enabled: boolean
    readonly offVariant: string
    readonly prerequisites?: readonly Prerequisite[] | undefined
    readonly overrides: readonly Override[]
    readonly rules: readonly NamedRule[]
    readonly fallthrough: Serve
  }
}

export interface ReadableSegment {
  readonly attribute: string
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  readonly when: Condition | null
  readonly members: SegmentMembers | null
}

/** The lines of a flag: its definition, then its state in the order of evaluation. None if nothing is told apart. */
export function describeFlagChange(before: ReadableFlag, after: ReadableFlag): string[] {
  const [old, now] = [before.state, after.state]
  return [
    ...listed('variant', before.variants.map(variantText), after.variants.map(variantText)),
    ...turned(before.clientVisible, after.clientVisible, ['shown to client keys', 'hidden from client keys']),
    ...replaced('expiry', expiryText(before.expiry), expiryText(after.expiry)),
    ...turned(old.enabled, now.enabled, ['switched on', 'switched off']),
    ...replaced('off variant', show(old.offVariant), show(now.offVariant)),
    ...listed(
      'prerequisite',
      (old.prerequisites ?? []).map(needText),
      (now.prerequisites ?? []).map(needText),
    ),
    ...listed('override', old.overrides.map(overrideText), now.overrides.map(overrideText)),
    ...ruleLines(old.rules, now.rules),
    ...replaced('fallthrough', describeFallthrough(old.fallthrough), describeFallthrough(now.fallthrough)),
  ]
}

/** The lines of a segment's state. */
export function describeSegmentChange(before: ReadableSegment, after: ReadableSegment): string[] {
  return [
    ...replaced('attribute', describeAttribute(before.attribute), describeAttribute(after.attribute)),
    ...idLines('include', before.include, after.include),
    ...idLines('exclude', before.exclude, after.exclude),
    ...replaced('condition', conditionText(before.when), conditionText(after.when)),
    ...replaced('list', membersText(before.members), membersText(after.members)),
  ]
}

/** The lines of a layer. */
export function describeLayerChange(before: LayerConfig, after: LayerConfig): string[] {
  return [
    ...replaced('bucketed by', describeAttribute(before.by), describeAttribute(after.by)),
    ...listed('slot', before.slots.map(slotText), after.slots.map(slotText)),
  ]
}

type NamedRule = ReadableRule & { readonly id: string; readonly name?: string | undefined }

function turned(before: boolean, after: boolean, [on, off]: readonly [string, string]): string[] {
  return before === after ? [] : [after ? on : off]
}

function replaced(what: string, before: string, after: string): string[] {
  return before === after ? [] : [`${what}: ${after} (was: ${before})`]
}

/** What came and what went, by text. */
function listed(what: string, before: readonly string[], after: readonly string[]): string[] {
  const [old, now] = [new Set(before), new Set(after)]
  const moved = before.join('\n') !== after.join('\n')
  const lines = [
    ...after.filter((text) => !old.has(text)).map((text) => `${what} added: ${text}`),
    ...before.filter((text) => !now.has(text)).map((text) => `${what} removed: ${text}`),
  ]
  return lines.length === 0 && moved ? [`${what}s in another order`] : lines
}

function ruleLines(before: readonly NamedRule[], after: readonly NamedRule[]): string[] {
  const old = new Map(before.map((rule) => [rule.id, rule]))
  const kept = new Set(after.map(({ id }) => id))
  const lines = after.flatMap((rule, index) => ruleLine(old.get(rule.id), rule, index))
  const gone = before.filter(({ id }) => !kept.has(id))
  const orderOf = (rules: readonly NamedRule[], among: { has: (id: string) => boolean }) =>
    rules.flatMap(({ id }) => (among.has(id) ? [id] : [])).join()
  return [
    ...lines,
    ...gone.map((rule) => `rule removed: ${named(rule)}${describeRule(rule)}`),
    ...(orderOf(before, kept) === orderOf(after, old) ? [] : ['rules in another order']),
  ]
}

function ruleLine(before: NamedRule | undefined, after: NamedRule, index: number): string[] {
  const sentence = `${named(after)}${describeRule(after)}`
  const was = before && `${named(before)}${describeRule(before)}`
  if (was === undefined) return [`rule ${index + 1} added: ${sentence}`]
  return was === sentence ? [] : [`rule ${index + 1}: ${sentence} (was: ${was})`]
}

function named({ name }: NamedRule): string {
  return name === undefined ? '' : `${name}: `
}

function idLines(what: string, before: readonly string[], after: readonly string[]): string[] {
  const [old, now] = [new Set(before), new Set(after)]
  const tell = (ids: readonly string[], deed: string) =>
    ids.length === 0
      ? []
      : [
          `${what} ${deed}: ${showList(
            ids.map((id) => show(id)),
            'and',
          )}`,
        ]
  return [
    ...tell(
      after.filter((id) => !old.has(id)),
      'added',
    ),
    ...tell(
      before.filter((id) => !now.has(id)),
      'removed',
    ),
  ]
}

function variantText({ key, value }: Variant): string {
  return `${show(key)} = ${show(value)}`
}

function expiryText(expiry: Expiry | undefined): string {
  return expiry ? `${show(expiry.variant)} from ${showMoment(expiry.at)} on` : 'none'
}

function needText({ flag, variants }: Prerequisite): string {
  return `${flag} gives ${showList(
    variants.map((variant) => show(variant)),
    'or',
  )}`
}

function overrideText({ attribute, values, variant, until }: Override): string {
  const who = `${describeAttribute(attribute)} is ${showList(
    values.map((value) => show(value)),
    'or',
  )}`
  return `${who}: ${show(variant)}${until === undefined ? '' : `, until ${showMoment(until)}`}`
}

function slotText({ name, from, to }: LayerConfig['slots'][number]): string {
  return `${show(name)} from ${count(from)} to ${count(to)}`
}

function conditionText(when: Condition | null): string {
  return when === null ? 'none' : describeCondition(when)
}

function membersText(members: SegmentMembers | null): string {
  if (members === null) return 'none'
  const { hash, added, removed } = members
  const later = `${count(added.length)} added and ${count(removed.length)} removed since`
  return `${count(members.count)} ids (${hash.slice(0, 8)}), ${later}`
}
