/** Calls of a store, which is somebody else's: it may never answer. */

export interface StoreCallPorts {
  readonly setTimer: (ms: number, run: () => void) => () => void
}

const answerMaxMs = 5_000

/**
 * Makes what calls a store. A call rejects if there is no answer within 5 s, and so does each further one until there is
 * one: else calls without an answer would pile up.
 */
export function makeStoreCalls({ setTimer }: StoreCallPorts): (call: () => unknown) => Promise<void> {
  let isBusy = false
  return async (call) => {
    if (isBusy) throw new Error('the store has not answered the call before')
    isBusy = true
    await new Promise<void>((resolve, reject) => {
      const cancel = setTimer(answerMaxMs, () => reject(new Error('the store does not answer')))
      const answered = () => {
        isBusy = false
        cancel()
        resolve()
      }
      const failed = (cause: unknown) => {
        reject(cause as Error) // whatever the store rejects with
        answered()
      }
      void Promise.resolve().then(call).then(answered, failed)
    })
  }
}
