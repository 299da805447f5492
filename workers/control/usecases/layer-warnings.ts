/** What a change of a layer does to the contexts that are in its slots. Pure. */
import { bucketCount } from '@halyard/shared/engine/model.ts'
import type { Slot } from '@halyard/shared/contract/layer.ts'
import type { Warning } from '@halyard/shared/contract/written.ts'

interface Shares {
  readonly by: string
  readonly slots: readonly Slot[]
}

/**
 * The contexts that leave slots; those that come into one are what was asked for. A slot that is taken away is in no
 * use, or it would be refused. Pointers are into the layer.
 */
export function layerWarnings(before: Shares, after: Shares): Warning[] {
  const kept = after.slots.flatMap((next, index) => {
    const old = before.slots.find(({ name }) => name === next.name)
    return old ? [{ old, next, index }] : []
  })
  if (before.by !== after.by && kept.length > 0) {
    const detail = `buckets by "${after.by}" instead of "${before.by}": all contexts are drawn anew, so that any may leave its slot`
    return [{ code: 'moves_contexts', pointer: '/by', detail }]
  }
  return kept.flatMap(({ old, next, index }): Warning[] => {
    const size = old.to - old.from
    const left = size - Math.max(0, Math.min(old.to, next.to) - Math.max(old.from, next.from))
    if (left === 0) return []
    const detail = `${percent(left / size)} of the contexts in slot "${next.name}" leave it, ${percent(left / bucketCount)} of all`
    return [{ code: 'moves_contexts', pointer: `/slots/${index}`, detail }]
  })
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`
}
