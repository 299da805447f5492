import { patternsIn, sumPatternSizes } from '@halyard/shared/checks/pattern-sizes.ts'
import { flagReferences, segmentReferences, type Reference } from '@halyard/shared/checks/references.ts'
import { flagLine, layerLine, segmentLine } from '@halyard/shared/compiler/lines.ts'
import { evaluateAll } from '@halyard/shared/engine/evaluate.ts'
import type { EvaluationContext } from '@halyard/shared/engine/model.ts'
import { compiledSegment, formatBody, loadSnapshot, segmentEntries } from '@halyard/shared/engine/snapshot.ts'
import type { Condition } from '@halyard/shared/contract/condition.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import { compilePattern } from '@halyard/shared/pattern/pattern.ts'
import type { AccessKey, AccessRecord } from '@halyard/shared/protocol/access.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { snapshotSchema, snapshotSizeMax, type Head } from '@halyard/shared/protocol/head.ts'
import type { Version } from '@halyard/shared/protocol/version.ts'
import type { FlagRecord, HistoryRow, LayerRecord, SegmentRecord } from '../ports.ts'
import { sampleContexts } from './sample-contexts.ts'

/** Rises when the same history would compile to other bytes. */
export const compilerVersion = 2

export interface Compiled {
  readonly body: string
  readonly access: string
  readonly head: Omit<Head, 'kid' | 'time'>
  /** What it is evaluated for to compare compilers: see `sample.ts`. */
  readonly samples: readonly EvaluationContext[]
}

/**
 * Compiles an environment at a version from the newest history row of each of its objects. Pure: the same rows give
 * the same bytes, whenever and wherever. Throws if the result would not evaluate or is too large.
 */
export async function compile(
  environment: string,
  at: Version,
  rows: readonly HistoryRow[],
): Promise<Compiled> {
  const live = readLive(rows)
  refuseTooMuch(environment, live)
  const keys = rows
    .filter((row) => row.kind === 'key' && row.state !== null)
    .map((row) => row.state as unknown as AccessKey) // what raiseAccess wrote
  const body = formatBody(live.map(({ line }) => line))
  const clientBody = formatBody(visibleToClients(live).map(({ line }) => line))
  const record: AccessRecord = { environment, keys: keys.toSorted((a, b) => (a.id < b.id ? -1 : 1)) }
  const access = JSON.stringify(record)
  const size = new TextEncoder().encode(body).length
  if (size > snapshotSizeMax)
    throw new Error(`the snapshot of ${environment} is ${size} bytes, more than ${snapshotSizeMax}`)
  probe(environment, body, live)
  const [snapshotHash, accessHash, clientHash] = await Promise.all([
    sha256Hex(body),
    sha256Hex(access),
    sha256Hex(clientBody),
  ])
  const { epoch, version } = at
  const head = {
    environment,
    epoch,
    version,
    snapshotHash,
    accessHash,
    clientHash,
    size,
    schema: snapshotSchema,
    compiler: compilerVersion,
  }
  return { body, access, head, samples: sampleContexts(rows) }
}

/** Something that is live, with its line and what it refers to. */
interface Live {
  readonly kind: Reference['kind']
  readonly key: string
  readonly line: string
  readonly isVisible: boolean
  readonly conditions: readonly Condition[]
  readonly references: readonly Pick<Reference, 'kind' | 'key'>[]
}

function readLive(rows: readonly HistoryRow[]): Live[] {
  // Each kind of row holds the record that `usecases/records.ts` wrote.
  return rows.flatMap(({ kind, state }): Live[] => {
    if (kind === 'key' || state === null) return []
    const record = state as unknown as FlagRecord | SegmentRecord | LayerRecord
    return record.archived ? [] : [toLive(kind, record)]
  })
}

function toLive(kind: Live['kind'], record: FlagRecord | SegmentRecord | LayerRecord): Live {
  const { key } = record
  switch (kind) {
    case 'flag': {
      const flag = record as FlagRecord
      const references = flagReferences(flag.state)
      const conditions = flag.state.rules.map(({ when }) => when)
      return { kind, key, line: flagLine(flag), isVisible: flag.clientVisible, conditions, references }
    }
    case 'segment': {
      const segment = record as SegmentRecord
      const references = segmentReferences(segment.state)
      const conditions = segment.state.when ? [segment.state.when] : []
      return { kind, key, line: segmentLine(segment), isVisible: false, conditions, references }
    }
    case 'layer':
      return {
        kind,
        key,
        line: layerLine(record as LayerRecord),
        isVisible: false,
        conditions: [],
        references: [],
      }
  }
  return kind satisfies never
}

/** Holds the limits again that each save held already: nothing larger is ever signed. */
function refuseTooMuch(environment: string, live: readonly Live[]): void {
  const countOf = (kind: Live['kind']) => live.filter((item) => item.kind === kind).length
  const patterns = live.flatMap(({ conditions }) => conditions.flatMap(patternsIn))
  const held: [string, number, number][] = [
    ['flags', countOf('flag'), limits.flagsPerEnvironment],
    ['segments', countOf('segment'), limits.segmentsPerEnvironment],
    ['layers', countOf('layer'), limits.layersPerProject],
    ['patterns', patterns.length, limits.patternsPerEnvironment],
    ['pattern instructions', sumPatternSizes(patterns), limits.patternInstructionsPerEnvironment],
  ]
  for (const [what, found, max] of held)
    if (found > max) throw new Error(`${environment} has ${found} ${what}, more than ${max}`)
}

/** What client keys may see, and all that decides about it. */
function visibleToClients(live: readonly Live[]): Live[] {
  const named = new Map(live.map((item) => [nameOf(item), item]))
  const reached = new Set(live.filter(({ isVisible }) => isVisible))
  // A Set takes in what is added while it is walked.
  for (const { references } of reached) {
    for (const reference of references) {
      const target = named.get(nameOf(reference))
      if (target) reached.add(target)
    }
  }
  return [...reached]
}

function nameOf({ kind, key }: Pick<Reference, 'kind' | 'key'>): string {
  return `${kind} ${key}`
}

/** Reads the body back as every reader will: nothing that cannot be evaluated is ever signed. */
function probe(environment: string, body: string, live: readonly Live[]): void {
  const snapshot = loadSnapshot(body, { compilePattern })
  const decisions = evaluateAll(snapshot, { targetingKey: 'probe' }, 0)
  const unreadable = decisions.find(
    (decision) => decision.reason === 'ERROR' && decision.errorCode === 'PARSE_ERROR',
  )
  const segments = segmentEntries(snapshot)
  const fault = segments.map((entry) => compiledSegment(snapshot, entry).fault).find((one) => one !== null)
  const isWhole = decisions.length + segments.length === live.filter(({ kind }) => kind !== 'layer').length
  if (unreadable || fault || !isWhole) {
    const what = unreadable?.key ?? fault?.details ?? 'something is missing'
    throw new Error(`the snapshot of ${environment} does not evaluate: ${what}`)
  }
}
