/** Takes the lock, or names the living process that holds it (0 if another process is taking it this moment). */
export function tryLock(
  path: string,
): { readonly release: () => void; readonly holder?: undefined } | { readonly holder: number }

/** True while the process runs that had this id and, unless null, this start. A zombie does not run. */
export function isRunning(pid: number, started: string | null): boolean

/** When the process started, in the system's own form; null if it does not run. */
export function startOf(pid: number): string | null
