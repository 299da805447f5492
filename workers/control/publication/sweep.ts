import { inTime } from '../in-time.ts'
import type { EnvironmentScope } from '../ports.ts'
import type { Database } from '../store/database.ts'

interface SweepPorts {
  readonly claim: Database['claimOutbox']
  /** Has the environment's publisher publish it. */
  readonly sweep: (scope: EnvironmentScope) => Promise<void>
  /** How long one environment is waited for; its publisher goes on by itself. 20 s if left out. */
  readonly waitMs?: number
}

const roundsMax = 10

/**
 * Publishes what was left behind. Round after round: when an installation is unfrozen, all of its environments wait
 * at once. One that fails, or does not answer, keeps no other from its turn: it is claimed again later.
 */
export async function sweepAll({ claim, sweep, waitMs: maxMs = 20_000 }: SweepPorts): Promise<void> {
  const sweepOne = async (scope: EnvironmentScope) => {
    try {
      await inTime(sweep(scope), { maxMs, what: 'a sweep' })
    } catch (error) {
      console.error(JSON.stringify({ event: 'sweep_failed', ...scope, error: String(error) }))
    }
  }
  for (let round = 0; round < roundsMax; round++) {
    const waiting = await claim(100) // oxlint-disable-line no-await-in-loop -- the next round takes what this one left
    if (waiting.length === 0) return
    const scopes = waiting.map((row) => ({ orgId: row.org_id, environmentId: row.environment_id }))
    await Promise.all(scopes.map(sweepOne)) // oxlint-disable-line no-await-in-loop -- the same
  }
}
