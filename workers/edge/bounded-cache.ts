/** Sets an entry of a cache of at most `max` entries: the oldest makes room. */
export function setBounded<Key, Value>(cache: Map<Key, Value>, key: Key, value: Value, max: number): void {
  if (cache.size >= max && !cache.has(key)) {
    for (const oldest of cache.keys()) {
      cache.delete(oldest)
      break
    }
  }
  cache.set(key, value)
}
