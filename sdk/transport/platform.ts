import type { ReaderPorts } from '../sync/reader-ports.ts'

/** The clocks, the chance and the timers of the platform. A timer does not keep a process alive. */
export const platform: Pick<ReaderPorts, 'now' | 'steadyNow' | 'random' | 'setTimer'> = {
  now: () => Date.now(),
  steadyNow: () => performance.now(),
  random: () => Math.random(),
  setTimer: (ms, run) => {
    const timer: unknown = setTimeout(run, ms)
    // Where a timer is a number, nothing waits for it.
    if (typeof timer === 'object' && timer !== null && 'unref' in timer) (timer as NodeJS.Timeout).unref()
    return () => clearTimeout(timer as NodeJS.Timeout)
  },
}
