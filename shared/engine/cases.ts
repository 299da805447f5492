/**
 * The table that every implementation of the engine's contract runs: `cases.json`. A case's snapshot is `lines` as they
 * stand, or one flag line of key `f` whose JSON is `json` as it stands, or the lines of: `flag`, of key `f`, laid over
 * the table's `base`; `flags`, by key, laid over it too; `segments`, by key, laid over `baseSegment`; and `layers`, by
 * key, as they stand. `class: "client"` asks as class client, and all others as class server.
 */
import table from './cases.json' with { type: 'json' }
import type {
  Decision,
  ErrorCode,
  EvaluationContext,
  FlagConfig,
  Json,
  Metadata,
  Resolution,
  SegmentConfig,
} from './model.ts'
import { formatLine } from './snapshot.ts'

interface Members {
  readonly [member: string]: unknown
}

export interface Case {
  readonly name: string
  readonly class?: 'client'
  readonly lines?: readonly string[]
  readonly json?: string
  readonly flag?: Members
  readonly flags?: { readonly [key: string]: Members }
  readonly segments?: { readonly [key: string]: Members }
  readonly layers?: { readonly [key: string]: Members }
  readonly key: string
  readonly context: EvaluationContext
  readonly now: number
  readonly expect: Expectation
}

/** An error is compared by its code alone: details are for people. */
export type Expectation =
  | {
      readonly value: Json
      readonly variant: string
      readonly reason: Resolution['reason']
      readonly metadata?: Metadata
    }
  | { readonly errorCode: ErrorCode }

/** The file is what the types say: a JSON import widens literals and unites all rows. */
export const cases = table.cases as unknown as readonly Case[]
export const baseFlag = table.base as unknown as FlagConfig
export const baseSegment: SegmentConfig = { attribute: 'targetingKey', include: [], exclude: [] }

/** The body of a case's snapshot, with its lines in the case's order. */
export function caseBody({ lines, json, flag, flags = {}, segments = {}, layers = {} }: Case): string {
  if (lines) return lines.join('\n')
  return [
    formatLine('flag', 'f', json ?? JSON.stringify({ ...baseFlag, ...flag })),
    ...linesOf('flag', flags, baseFlag),
    ...linesOf('segment', segments, baseSegment),
    ...linesOf('layer', layers, {}),
  ].join('\n')
}

/** What of a decision the table speaks about. */
export function comparable(decision: Decision): object {
  if (decision.reason !== 'ERROR') return decision
  const { key, reason, errorCode, metadata } = decision
  return { key, reason, errorCode, metadata }
}

/** What `comparable` must give for a case. */
export function expectedOf({ key, expect }: Case): object {
  if ('errorCode' in expect) return { key, reason: 'ERROR', metadata: {}, ...expect }
  return { key, metadata: {}, ...expect }
}

function linesOf(kind: string, items: { readonly [key: string]: Members }, base: object): string[] {
  return Object.entries(items).map(([key, members]) =>
    formatLine(kind, key, JSON.stringify({ ...base, ...members })),
  )
}
