import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { startBareStack } from '../dev/bare-stack.ts'
import type { Drill } from './drill.ts'
import { converge, environments, playOn, requireAnswers, startCold, write, type Scene } from './scene.ts'
import { toggleOnce } from './write-once.ts'

export const databaseDown: Drill = {
  name: 'database-down',
  about: 'Postgres dead, then frozen: evaluation, streams and cold starts go on, writes answer 503 in time',
  run: async (run) => {
    const stack = await startBareStack({ stateDir: join(run.folder, 'state'), built: run.built })
    return await playOn(run, stack, play)
  },
}

const outageMs = { short: { dead: 12_000, frozen: 8_000 }, long: { dead: 180_000, frozen: 60_000 } }
/** What a caller may have to wait for a refusal. */
const refusalMaxMs = 15_000
/** Publication is tried again after a minute at the latest. */
const recoveryMaxMs = 90_000

async function play(scene: Scene): Promise<Record<string, string | number>> {
  const { stack, isShort, say } = scene
  const lasting = isShort ? outageMs.short : outageMs.long
  // It is acknowledged, and may not be published yet.
  await write(scene)
  await stack.database.kill9()
  say(`Postgres is dead for ${lasting.dead / 1_000} s`)
  const dead = await sitOut(scene, lasting.dead)
  const coldMs = await startCold(scene, 'without Postgres')
  await stack.database.start()
  const afterDeadMs = await recover(scene, 'after Postgres was dead')
  stack.database.pause()
  say(`Postgres is frozen for ${lasting.frozen / 1_000} s`)
  const frozen = await sitOut(scene, lasting.frozen)
  stack.database.resume()
  const afterFrozenMs = await recover(scene, 'after Postgres was frozen')
  return {
    'writes refused while it was dead': dead.refused,
    'slowest refusal (ms)': dead.slowestMs,
    'writes refused while it was frozen': frozen.refused,
    'slowest refusal while frozen (ms)': frozen.slowestMs,
    'first answer of a cold edge (ms)': coldMs,
    'all at head after it was dead (ms)': afterDeadMs,
    'all at head after it was frozen (ms)': afterFrozenMs,
  }
}

async function sitOut(scene: Scene, ms: number): Promise<{ refused: number; slowestMs: number }> {
  const end = performance.now() + ms
  let [refused, slowestMs] = [0, 0]
  const { openStreams } = scene.readers
  const open = openStreams()
  await requireAnswers(scene, 'without Postgres', async () => {
    while (performance.now() < end) {
      const [environment] = environments
      const answer = await toggleOnce(scene.stack, environment, refusalMaxMs) // oxlint-disable-line no-await-in-loop -- one after another
      slowestMs = Math.max(slowestMs, Math.round(answer.ms))
      if (answer.status === 503) refused += 1
      else scene.fail(`a write without Postgres answered ${answer.status} after ${Math.round(answer.ms)} ms`)
      await wait(500) // oxlint-disable-line no-await-in-loop
    }
  })
  if (openStreams() < open) scene.fail(`${open - openStreams()} streams ended for want of Postgres`)
  return { refused, slowestMs }
}

/** What waited is published, and there are writes again. A write that broke off may have been committed after all. */
async function recover(scene: Scene, when: string): Promise<number> {
  const start = performance.now()
  await converge(scene, when, recoveryMaxMs)
  await write(scene)
  await converge(scene, `${when}, and a write`, recoveryMaxMs)
  return Math.round(performance.now() - start)
}
