/** What a batch of events may hold, where it is sent and where it is taken from the queue. */
export const eventLimits = {
  /** UTF-8 bytes of a request. */
  bodyBytes: 256 * 1024,
  events: 1_000,
  /** Evaluations in one summary, or times that something tracked happened. */
  count: 1_000_000_000,
  /** How far from zero the sum of a metric may be. */
  sum: 1e15,
  /** Names of metrics that an environment keeps for each class of key; further ones are not counted. */
  metricNames: 1_000,
  /** How far back a window may reach, and how far ahead a sender's clock may be. */
  pastMs: 24 * 3_600_000,
  futureMs: 5 * 60_000,
  /** UTF-8 bytes of the counts in one message, which a queue takes up to 128 KB of. */
  messageBytes: 120_000,
} as const
