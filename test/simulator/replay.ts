/** `node test/simulator/replay.ts SEED…`: runs these histories and tells them, with what was wrong. */
import { runHistory } from './history.ts'

const seeds = process.argv.slice(2).map(Number)
for (const seed of seeds) {
  const begun = performance.now()
  const { faults, log, commits } = await runHistory(seed) // oxlint-disable-line no-await-in-loop -- one after the other
  console.error(
    [
      ...log,
      '',
      `seed ${seed}: ${commits} commits, ${Math.round(performance.now() - begun)} ms`,
      ...faults,
    ].join('\n'),
  )
}
