/** What a stream is opened with. */
export interface StreamRequest {
  /** Of `/v1/stream`, with what it goes on from. */
  readonly url: URL
  readonly key: string
}

/** An edge that does not answer within this is not there. */
export const openTimeoutMs = 10_000
