/** What a project holds, whether a server says so or a file. */
import { isDeepStrictEqual } from 'node:util'
import type { AppliedFlagState, AppliedSegmentState } from '@halyard/shared/checks/applied-state.ts'
import type { Flag } from '@halyard/shared/contract/flag.ts'
import type { Layer } from '@halyard/shared/contract/layer.ts'
import type { Segment } from '@halyard/shared/contract/segment.ts'

export type Kind = 'flag' | 'segment' | 'layer'

export interface FlagContent {
  readonly definition: Pick<Flag, (typeof flagFields)[number]>
  readonly seed: string
  readonly archived: boolean
  /** By environment. */
  readonly states: ReadonlyMap<string, AppliedFlagState>
}

export interface SegmentContent {
  readonly definition: Pick<Segment, (typeof segmentFields)[number]>
  readonly archived: boolean
  readonly states: ReadonlyMap<string, AppliedSegmentState>
}

export interface LayerContent {
  readonly definition: Pick<Layer, (typeof layerFields)[number]>
  readonly seed: string
  readonly archived: boolean
}

/** A project in some of its environments; archived things too. */
export interface Content {
  readonly environments: readonly string[]
  readonly flags: ReadonlyMap<string, FlagContent>
  readonly segments: ReadonlyMap<string, SegmentContent>
  readonly layers: ReadonlyMap<string, LayerContent>
}

/** The definitions, in the order in which a file has them. */
export const flagFields = [
  'name',
  'description',
  'valueType',
  'variants',
  'schema',
  'clientVisible',
  'kind',
  'temporary',
  'expiresAt',
  'onExpiry',
  'tags',
  'owner',
] as const
export const segmentFields = ['name', 'description', 'tags'] as const
export const layerFields = ['name', 'description', 'by', 'slots'] as const

/** What an answer of the API has of these fields. */
export function pick<T, const F extends keyof T>(from: T, fields: readonly F[]): Pick<T, F> {
  return Object.fromEntries(fields.map((field) => [field, from[field]])) as Pick<T, F> // the fields that were asked for
}

/** Whether two values are the same JSON, in whatever order of names. */
export function isSame(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(asJson(a), asJson(b))
}

/** Variants have no order that decides anything, and a file keeps none. */
export function isSameFlagDefinition(a: FlagContent['definition'], b: FlagContent['definition']): boolean {
  const sorted = ({ variants, ...rest }: FlagContent['definition']) => ({
    ...rest,
    variants: variants.toSorted((one, other) => (one.key < other.key ? -1 : 1)),
  })
  return isSame(sorted(a), sorted(b))
}

/** But for the uploaded list, which is neither in a file nor written by a state. */
export function isSameSegmentState(a: AppliedSegmentState, b: AppliedSegmentState): boolean {
  return isSame({ ...a, members: null }, { ...b, members: null })
}

function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
