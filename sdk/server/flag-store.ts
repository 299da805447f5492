/**
 * Where flags are kept from one process to the next. What is loaded is verified like anything else. A failure (of
 * whatever kind) is logged, and never more.
 */
export interface FlagStore {
  /** What was saved last; null if nothing was. */
  load(): Promise<string | null>
  /** Keeps a text of up to some megabytes in the place of the one before. */
  save(text: string): Promise<void>
  /** The lists of large segments, by the SHA-256 of their bytes. A store without these three keeps none. */
  loadBlob?(hash: string): Promise<Uint8Array | null>
  saveBlob?(hash: string, bytes: Uint8Array): Promise<void>
  /** Forgets all lists but these. */
  keepBlobs?(hashes: readonly string[]): Promise<void>
}
