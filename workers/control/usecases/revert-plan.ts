/** What a revert would make of an environment. Pure. */
import type { AppliedFlagState, AppliedSegmentState } from '@halyard/shared/checks/applied-state.ts'
import { nothingSpent } from '@halyard/shared/checks/condition-errors.ts'
import { segmentErrors } from '@halyard/shared/checks/segment-rules.ts'
import { ruleErrors, stateErrors } from '@halyard/shared/checks/state-errors.ts'
import { pointerOf, type WrongField } from '@halyard/shared/checks/wrong-field.ts'
import type { Reverted } from '@halyard/shared/contract/version-endpoints.ts'
import type { Warning } from '@halyard/shared/contract/written.ts'
import { canonicalJson } from '../canonical-json.ts'
import type { FlagRecord, HistoryRow, SegmentRecord } from '../ports.ts'
import type { SegmentWithStateRow } from '../store/select-segments.ts'
import type { FlagWithStateRow } from '../store/select.ts'
import { flagWarnings } from './flag-warnings.ts'
import { segmentFacts } from './request-facts.ts'

/** Something whose state becomes another. */
export interface Restated<Row, State> {
  readonly row: Row
  readonly next: State
}

export type RestatedFlag = Restated<FlagWithStateRow, AppliedFlagState>
export type RestatedSegment = Restated<SegmentWithStateRow, AppliedSegmentState>

export interface RevertPlan {
  readonly flags: readonly RestatedFlag[]
  readonly segments: readonly RestatedSegment[]
  readonly left: Reverted['left']
}

/** What there is now, and what was then. */
export interface Revertible {
  readonly flags: readonly FlagWithStateRow[]
  readonly segments: readonly SegmentWithStateRow[]
  readonly past: readonly HistoryRow[]
}

/** By key; with neither list everything. */
export interface Wanted {
  readonly flags?: readonly string[] | undefined
  readonly segments?: readonly string[] | undefined
}

/** Sorts out what becomes another and what stays: it came later, is archived, or is as it was. */
export function planRevert({ flags, segments, past }: Revertible, wanted: Wanted): RevertPlan {
  const states = statesOf(past)
  const isAll = !wanted.flags && !wanted.segments
  const chosen = <Row extends { key: string }>(rows: readonly Row[], keys: readonly string[] = []) =>
    isAll ? rows : rows.filter(({ key }) => keys.includes(key))
  const ofFlags = sortOut(chosen(flags, wanted.flags), states.flags)
  const ofSegments = sortOut(chosen(segments, wanted.segments), states.segments)
  return {
    flags: ofFlags.restated,
    segments: ofSegments.restated,
    left: [
      ...ofFlags.left.map((one) => ({ kind: 'flag' as const, ...one })),
      ...ofSegments.left.map((one) => ({ kind: 'segment' as const, ...one })),
    ],
  }
}

/** What is named and cannot be reverted. */
export function wantedErrors(
  wanted: Wanted,
  { flags, segments }: Revertible,
  left: Reverted['left'],
): WrongField[] {
  const kinds = [
    ['flag', wanted.flags, flags],
    ['segment', wanted.segments, segments],
  ] as const
  return kinds.flatMap(([kind, keys = [], rows]) =>
    keys.flatMap((key, index): WrongField[] => {
      const pointer = `/${kind}s/${index}`
      if (!rows.some((row) => row.key === key))
        return [{ code: 'unknown_reference', pointer, detail: `there is no ${kind} "${key}"` }]
      const why = left.find((one) => one.kind === kind && one.key === key)?.why
      if (why === 'newer') return [{ pointer, detail: `${kind} "${key}" was not there at that version` }]
      return why === 'archived' ? [{ pointer, detail: `${kind} "${key}" is archived: restore it first` }] : []
    }),
  )
}

/** Every way in which past states break rules of today, but for references: pointers are `/flags/KEY/…` into them. */
export function planErrors({ flags, segments }: RevertPlan): WrongField[] {
  const spent = nothingSpent()
  return [
    ...flags.flatMap(({ row, next }) => {
      const at = pointerOf(['flags', row.key])
      const isRuled = !isEqual(row.state.rules, next.rules)
      return [...stateErrors(next, row, at), ...(isRuled ? ruleErrors(next, at, spent) : [])]
    }),
    ...segments.flatMap(({ row, next }) =>
      isEqual([row.state.when], [next.when]) ? [] : segmentErrors(next, pointerOf(['segments', row.key])),
    ),
  ]
}

/** What whoever saved each of these states would be told. */
export function planWarnings({ flags, segments }: RevertPlan, nowMs: number): Warning[] {
  return [
    ...flags.flatMap(({ row, next }) => under('flags', row.key, flagWarnings(row.state, next, nowMs))),
    ...segments.flatMap(({ row, next }) => under('segments', row.key, segmentFacts(row.state, next))),
  ]
}

function under(kind: string, key: string, warnings: readonly Warning[]): Warning[] {
  return warnings.map((warning) => ({ ...warning, pointer: pointerOf([kind, key]) + warning.pointer }))
}

/** States as they were, by id. */
function statesOf(past: readonly HistoryRow[]) {
  const flags = new Map<string, AppliedFlagState>()
  const segments = new Map<string, AppliedSegmentState>()
  // Each kind of row holds the record that `records.ts` wrote.
  for (const { kind, objectId, state } of past) {
    if (kind === 'flag') {
      const { state: then } = state as unknown as FlagRecord
      flags.set(objectId, { ...then, prerequisites: then.prerequisites ?? [] })
    }
    if (kind === 'segment') segments.set(objectId, (state as unknown as SegmentRecord).state)
  }
  return { flags, segments }
}

interface Stated<State> {
  readonly id: string
  readonly key: string
  readonly archivedAt: Date | null
  readonly state: State
}

function sortOut<State extends object, Row extends Stated<State>>(
  rows: readonly Row[],
  past: ReadonlyMap<string, State>,
) {
  const restated: Restated<Row, State>[] = []
  const left: { key: string; why: 'newer' | 'archived' }[] = []
  for (const row of rows) {
    const next = past.get(row.id)
    if (!next) left.push({ key: row.key, why: 'newer' })
    else if (isEqual(row.state, next)) continue
    else if (row.archivedAt) left.push({ key: row.key, why: 'archived' })
    else restated.push({ row, next })
  }
  return { restated, left }
}

function isEqual(a: object, b: object): boolean {
  return canonicalJson(a as never) === canonicalJson(b as never) // states are JSON
}
