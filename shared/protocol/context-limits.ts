/**
 * What a context may hold, wherever one is taken. Sizes are UTF-8 bytes; attributes are the names at every level, items
 * those of one list.
 */
export const contextLimits = {
  contextBytes: 32 * 1024,
  contextDepth: 8,
  contextAttributes: 200,
  contextStringBytes: 2 * 1024,
  contextListItems: 100,
} as const
