interface Limit {
  readonly maxMs: number
  /** What is late, for the error. */
  readonly what: string
  /** Told when the time is over, to free what the work holds. */
  readonly giveUp?: () => void
}

/** Waits for work, but not for ever: rejects at the end of its time, and what then comes of the work is nobody's. */
export async function inTime<T>(work: Promise<T>, { maxMs, what, giveUp }: Limit): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`time-out: ${what} took more than ${maxMs} ms`))
      giveUp?.()
    }, maxMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    if (timer !== undefined) clearTimeout(timer)
  }
}
