/** When time alone may change an answer: collected while flags and segments are compiled. */
export interface Times {
  /** Epoch milliseconds, in no order. */
  readonly moments: number[]
  /** Each gives a moment after `now`, at or before the next at which its leaf may change. */
  readonly recurring: ((now: number) => number)[]
}

export function makeTimes(): Times {
  return { moments: [], recurring: [] }
}

/** The next moment after `now`; Infinity if there is none. */
export function nextTime({ moments, recurring }: Times, now: number): number {
  let next = Infinity
  for (const moment of moments) if (moment > now && moment < next) next = moment
  for (const after of recurring) next = Math.min(next, after(now))
  return next
}
