/** JSON with the members of every object in the order of their names: equal values give equal texts. Throws on circles. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? // oxlint-disable-next-line unicorn/no-array-sort -- toSorted is newer than some of the browsers that ES2022 is for
        Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
