import type { Flag, FlagStatePatch } from '@halyard/shared/contract/flag.ts'
import type { Json } from '@halyard/shared/engine/model.ts'

/** A reader of another system's flag files. `systems.ts` lists them. */
export interface Importer {
  readonly name: string
  /** Takes what a JSON or YAML file holds. Throws a usage error if that is no file of the system. */
  readonly read: (document: Json) => ImportPlan
}

/** Each flag of a file, in its order. */
export type ImportPlan = readonly PlannedFlag[]

export type PlannedFlag = ReadyFlag | RefusedFlag

/** A flag that means here exactly what it meant there. */
export interface ReadyFlag {
  readonly kind: 'ready'
  readonly key: string
  readonly flag: Pick<Flag, 'key' | 'valueType' | 'variants' | 'clientVisible'> &
    Partial<Pick<Flag, 'name' | 'description' | 'tags'>>
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
