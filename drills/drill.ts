/** A rehearsal of a failure on real processes. */
export interface Drill {
  readonly name: string
  /** What fails, and what must hold, in a line. */
  readonly about: string
  readonly run: (run: DrillRun) => Promise<Figures>
}

export interface DrillRun {
  /** The form that CI runs: smaller, but whole. */
  readonly isShort: boolean
  /** Decides what happens when; the same seed gives the same plan, though not the same timing. */
  readonly seed: number
  /** What `buildWorkers` made. */
  readonly built: string
  /** An empty folder of its own, removed after it. */
  readonly folder: string
  readonly say: (line: string) => void
  /** Notes what must not be; the drill goes on, and has failed. */
  readonly fail: (what: string) => void
}

/** What a drill measured, by name. */
export type Figures = Readonly<Record<string, string | number>>
