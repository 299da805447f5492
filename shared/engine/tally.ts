/**
 * How often bulk evaluation gave each variant. The number stands in the answer itself, so that counting is an increment:
 * a look-up by key, or one object further, costs several times as much.
 */
import type { Answer } from './answer.ts'

/** Which flag gave which variant, how many times; `variant` is null for an error. */
export interface Given {
  readonly flag: string
  readonly variant: string | null
  readonly times: number
}

/**
 * The answers that were counted, which stay in memory until their counts are taken. What evaluations of one snapshot
 * count must be counted in one tally.
 */
export interface Tally {
  answers: Answer[]
}

export function makeTally(): Tally {
  return { answers: [] }
}

/** Counts an answer once more. */
export function countAnswer(tally: Tally, answer: Answer): void {
  if (answer.times++ === 0) tally.answers.push(answer)
}

/** What was counted since the last time; begins again at zero. A flag and variant may come more than once. */
export function takeCounts(tally: Tally): readonly Given[] {
  const { answers } = tally
  tally.answers = []
  return answers.map((answer) => {
    const { full, times } = answer
    answer.times = 0
    return { flag: full.key, variant: full.reason === 'ERROR' ? null : full.variant, times }
  })
}
