/** What a segment's state must satisfy beyond its schema, and what it starts as. Pure. */
import type { SegmentStatePatch } from '../contract/segment.ts'
import type { AppliedSegmentState } from './applied-state.ts'
import type { WrongField } from './wrong-field.ts'
import { conditionErrors, nothingSpent } from './condition-errors.ts'

/** A new segment has nobody. */
export const emptySegment: AppliedSegmentState = {
  attribute: 'targetingKey',
  include: [],
  exclude: [],
  when: null,
  members: null,
}

/** JSON merge patch of a state: named fields replace, others stay. */
export function patchSegment(state: AppliedSegmentState, patch: SegmentStatePatch): AppliedSegmentState {
  const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined))
  return { ...state, ...given }
}

/** Every comparison that the engine would refuse. */
export function segmentErrors({ when }: AppliedSegmentState, at: string): WrongField[] {
  return when === null ? [] : conditionErrors(when, `${at}/when`, nothingSpent())
}
