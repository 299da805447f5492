/** Every item of a list that comes in pages. */
export async function readPages<Item>(
  ask: (
    cursor: string | undefined,
  ) => Promise<{ readonly items: readonly Item[]; readonly nextCursor: string | null }>,
): Promise<Item[]> {
  const items: Item[] = []
  for (let cursor: string | undefined; ;) {
    // Each page names the next.
    // oxlint-disable-next-line no-await-in-loop
    const page = await ask(cursor)
    items.push(...page.items)
    if (page.nextCursor === null) return items
    cursor = page.nextCursor
  }
}
