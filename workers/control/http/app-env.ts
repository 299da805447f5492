import type { Actor, Deps } from '../ports.ts'

/** What every request of the management API carries. */
export interface AppEnv {
  Variables: {
    deps: Deps
    requestId: string
    actor: Actor
    /** Keeps work alive after the answer. */
    later: (work: Promise<unknown>) => void
  }
}
