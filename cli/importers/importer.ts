import type { FlagCreate, FlagStatePatch } from '@halyard/shared/contract/flag.ts'

/** A reader of another system's flag files. */
export interface Importer {
  readonly name: string
  /** Throws a usage error if the text is no file of that system. */
  readonly read: (text: string) => ImportPlan
}

/** Each flag of a file, in its order. */
export type ImportPlan = readonly PlannedFlag[]

export type PlannedFlag = ReadyFlag | RefusedFlag

/** A flag that means here exactly what it meant there. */
export interface ReadyFlag {
  readonly kind: 'ready'
  readonly key: string
  readonly flag: Omit<FlagCreate, 'environments' | 'comment'>
  /** Its first state in whichever environments. */
  readonly state: FlagStatePatch
  /** What was left behind or taken for granted. */
  readonly notes: readonly string[]
}

export interface RefusedFlag {
  readonly kind: 'refused'
  readonly key: string
  readonly reasons: readonly string[]
}
