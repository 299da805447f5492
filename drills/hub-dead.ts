import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { startBareStack } from '../dev/bare-stack.ts'
import type { Drill } from './drill.ts'
import { converge, playOn, requireAnswers, startElsewhere, write, type Scene } from './scene.ts'
import { until } from './until.ts'

export const hubDead: Drill = {
  name: 'hub-dead',
  about:
    'the hub is killed: evaluation goes on with its age shown, a cold edge starts from KV, streams come back',
  run: async (run) => {
    const stack = await startBareStack({
      stateDir: join(run.folder, 'state'),
      built: run.built,
      isHubApart: true,
    })
    return await playOn(run, stack, play)
  },
}

const outageMs = { short: 8_000, long: 120_000 }
/** What an age may be behind the time that has passed: an answer is counted from the hub's last word before its death. */
const ageSlackSec = 3
const kvMaxMs = 5_000
const coldPollMaxMs = 10_000
const recoveryMaxMs = 90_000

async function play(scene: Scene): Promise<Record<string, string | number>> {
  const { stack, readers, isShort, fail, say } = scene
  const outage = isShort ? outageMs.short : outageMs.long
  await wait(kvMaxMs) // the hub writes KV at most once a second
  const before = new Map(scene.heads)
  await stack.processes.hub.kill9()
  say(`the hub is dead for ${outage / 1_000} s`)
  await requireAnswers(scene, 'without the hub', async () => {
    await wait(outage)
  })
  const ages = readers.polls.map((poller) => poller.ageSec())
  if (ages.some((age) => age !== null && age < outage / 1_000 - ageSlackSec))
    fail(`without the hub for ${outage / 1_000} s, ages are ${ages.join(', ')}`)
  if (readers.openStreams() > 0) fail(`${readers.openStreams()} streams seem open without the hub`)
  // It commits, and waits for the hub.
  await write(scene)
  const coldMs = await startElsewhere(scene, 'from KV alone', 200)
  const isFromKv = () => readers.polls.every((poller) => poller.ageSec() === null && poller.at() !== null)
  if ((await until(isFromKv, coldPollMaxMs)) === null)
    fail('answers from KV alone do not say that nobody confirmed them')
  const behind = readers.polls.filter((poller) =>
    [...before.values()].every(({ version }) => (poller.at()?.version ?? 0) < version),
  )
  if (behind.length > 0) fail('KV gave less than was head before')
  await stack.processes.hub.start()
  const recoveredMs = await converge(scene, 'after the hub came back', recoveryMaxMs)
  return {
    'ages shown at the end (s)': ages.join(', '),
    'first answer of a cold edge from KV (ms)': coldMs,
    'all readers at head after the hub came back (ms)': recoveredMs,
  }
}
