/** The difference between two states of an environment, object by object. Pure. */
import type { ObjectChange } from '@halyard/shared/contract/version-endpoints.ts'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import {
  describeFlagChange,
  describeLayerChange,
  describeSegmentChange,
} from '@halyard/shared/words/describe-change.ts'
import { canonicalJson } from '../canonical-json.ts'
import type { FlagRecord, HistoryRow, LayerRecord, SegmentRecord } from '../ports.ts'

type Kind = HistoryRow['kind']
type AnyRecord = FlagRecord | SegmentRecord | LayerRecord | ShownKey
/** Not its hash, which is for readers alone. */
type ShownKey = Omit<AccessKey, 'hash'>

/** What came, went and became another, by kind and key. What is archived is not there. */
export function versionChanges(before: readonly HistoryRow[], after: readonly HistoryRow[]): ObjectChange[] {
  const [old, now] = [liveObjects(before), liveObjects(after)]
  const names = [...new Set([...old.keys(), ...now.keys()])]
  return names
    .flatMap((name) => changeOf(old.get(name), now.get(name)))
    .toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || (a.key < b.key ? -1 : 1))
}

const order: readonly Kind[] = ['flag', 'segment', 'layer', 'key']

interface LiveObject {
  readonly kind: Kind
  readonly key: string
  readonly record: AnyRecord
}

function liveObjects(rows: readonly HistoryRow[]): Map<string, LiveObject> {
  return new Map(
    rows.flatMap((row) => toLive(row).map((live) => [`${row.kind} ${row.objectId}`, live] as const)),
  )
}

function toLive({ kind, objectId, state }: HistoryRow): LiveObject[] {
  if (state === null) return []
  if (kind === 'key') {
    const { hash: _, ...record } = state as unknown as AccessKey // what raiseAccess wrote
    return [{ kind, key: objectId, record }]
  }
  const record = state as unknown as FlagRecord | SegmentRecord | LayerRecord // what `records.ts` wrote
  return record.archived ? [] : [{ kind, key: record.key, record }]
}

function changeOf(before: LiveObject | undefined, after: LiveObject | undefined): ObjectChange[] {
  const there = after ?? before
  if (!there || (before && after && isSame(before.record, after.record))) return []
  const change = !before ? 'added' : !after ? 'removed' : 'changed'
  return [
    {
      kind: there.kind,
      key: there.key,
      change,
      before: toJson(before),
      after: toJson(after),
      text: before && after ? describe(there.kind, before.record, after.record) : [],
    },
  ]
}

function describe(kind: Kind, before: AnyRecord, after: AnyRecord): string[] {
  // Each kind has its own records.
  switch (kind) {
    case 'flag':
      return describeFlagChange(before as FlagRecord, after as FlagRecord)
    case 'segment':
      return describeSegmentChange((before as SegmentRecord).state, (after as SegmentRecord).state)
    case 'layer':
      return describeLayerChange(before as LayerRecord, after as LayerRecord)
    case 'key':
      return ['another expiry or other origins']
  }
  return kind satisfies never
}

function toJson(live: LiveObject | undefined): ObjectChange['before'] {
  return (live?.record ?? null) as unknown as ObjectChange['before'] // records are JSON
}

function isSame(a: AnyRecord, b: AnyRecord): boolean {
  return canonicalJson(a as never) === canonicalJson(b as never) // records are JSON
}
