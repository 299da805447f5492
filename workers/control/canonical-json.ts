import type { Json } from '@halyard/shared/engine/model.ts'

/** JSON with the names of every object sorted by code unit: equal data gives equal text, whatever stored it. */
export function canonicalJson(value: Json): string {
  return JSON.stringify(value, (_, inner: Json) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
}
