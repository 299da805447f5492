import { flagLine, layerLine, segmentLine } from '../compiler/lines.ts'
import { formatBody, loadSnapshot, type Snapshot } from '../engine/snapshot.ts'
import { compilePattern } from '../pattern/pattern.ts'
import type { ResolvedFile } from './resolve.ts'

/** The body of a snapshot, as a server would publish the same flags with the same seeds. */
export function compileFlagFile({ flags, segments, layers }: ResolvedFile): string {
  return formatBody([...flags.map(flagLine), ...segments.map(segmentLine), ...layers.map(layerLine)])
}

/** A snapshot that takes patterns. */
export function loadBody(body: string): Snapshot {
  return loadSnapshot(body, { compilePattern })
}
