/**
 * The table that every implementation of the engine's contract runs: `cases.json`. A case's snapshot is `lines` as they
 * stand, or one flag line of key `f` whose JSON is `json` as it stands, or `flag` laid over the table's `base`.
 * `class: "client"` asks as class client, and all others as class server.
 */
import table from './cases.json' with { type: 'json' }
import type { ErrorCode, EvaluationContext, FlagConfig, Json, Metadata, Resolution } from './model.ts'
import { formatLine } from './snapshot.ts'

export interface Case {
  readonly name: string
  readonly class?: 'client'
  readonly lines?: readonly string[]
  readonly json?: string
  readonly flag?: { readonly [member: string]: unknown }
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

/** The body of a case's snapshot, with its lines in the case's order. */
export function caseBody({ lines, json, flag }: Case): string {
  if (lines) return lines.join('\n')
  return formatLine('flag', 'f', json ?? JSON.stringify({ ...baseFlag, ...flag }))
}
