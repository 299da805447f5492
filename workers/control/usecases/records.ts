/** What history keeps of things: all that evaluation needs, the names of rules, and nothing else. */
import type { AppliedFlagState, AppliedSegmentState } from '@halyard/shared/checks/applied-state.ts'
import type { Json } from '@halyard/shared/engine/model.ts'
import type { FlagRecord, HistoryRow, LayerRecord, SegmentRecord } from '../ports.ts'
import type { FlagRow } from '../store/select.ts'
import type { LayerRow, SegmentRow } from '../store/select-segments.ts'

export function toRecord(flag: FlagRow, state: AppliedFlagState): FlagRecord {
  const { expiresAt, expiryVariant } = flag
  return {
    key: flag.key,
    valueType: flag.valueType,
    variants: flag.variants,
    seed: flag.seed,
    clientVisible: flag.clientVisible,
    archived: flag.archivedAt !== null,
    ...(expiresAt &&
      expiryVariant !== null && {
        expiry: { at: expiresAt.toISOString(), variant: expiryVariant },
      }),
    state,
  }
}

export function toSegmentRecord(segment: SegmentRow, state: AppliedSegmentState): SegmentRecord {
  return { key: segment.key, archived: segment.archivedAt !== null, state }
}

export function toLayerRecord({ key, seed, by, slots, archivedAt }: LayerRow): LayerRecord {
  return { key, archived: archivedAt !== null, seed, by, slots }
}

/** The history row of something that has a record. */
export function historyOf(
  kind: HistoryRow['kind'],
  objectId: string,
  record: FlagRecord | SegmentRecord | LayerRecord,
): HistoryRow {
  return { kind, objectId, state: record as unknown as Json } // records are JSON
}
