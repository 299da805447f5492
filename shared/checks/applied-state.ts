/** States as they are evaluated: nothing in them is left to be made. */
import type { FlagState, Sample } from '../contract/flag.ts'
import type { SegmentState } from '../contract/segment.ts'

type Applied<R> = R extends { id?: string | undefined; sample?: Sample }
  ? Omit<R, 'id' | 'sample'> & { id: string; sample?: Omit<Sample, 'seed'> & { seed: string } }
  : never

/** A state in which every rule has its id, and every sample its seed. */
export type AppliedFlagState = Omit<FlagState, 'rules'> & { rules: Applied<FlagState['rules'][number]>[] }

/** A state as history may have it: rows from before prerequisites have none. */
export type RecordedFlagState = Omit<AppliedFlagState, 'prerequisites'> &
  Partial<Pick<AppliedFlagState, 'prerequisites'>>

/** A segment's state, as the API shows it. */
export type AppliedSegmentState = SegmentState
