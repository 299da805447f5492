import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { parseVersion, type Version } from '@halyard/shared/protocol/version.ts'
import { startBareStack, type BareStack } from '../dev/bare-stack.ts'
import { gatherCrowd, total, type Crowd } from './crowd.ts'
import type { Drill, DrillRun, Figures } from './drill.ts'
import type { FollowCounts } from './follow-stream.ts'
import { environments } from './scene.ts'
import { makeRandom } from './seeded-random.ts'
import { until } from './until.ts'
import { toggleOnce } from './write-once.ts'

export const storm: Drill = {
  name: 'storm',
  about:
    'kill -9 under thousands of sockets of two environments, without and with clients that come back at once',
  run,
}

const crowdSize = { short: 2_000, long: 5_000 }
const impatientSize = 500
/** workerd ends when it has none left: two for each socket, and some for itself; closed ones are freed late. */
const descriptors = { perSocket: 2, reserve: 600 }
const gatherMs = 6_000
const gatherMaxMs = 90_000
const recoverMaxMs = 30_000
const failedShareMax = 0.05
const writeRetryMs = 200

async function run({ isShort, seed, built, folder, say, fail }: DrillRun): Promise<Figures> {
  const size = Math.min(isShort ? crowdSize.short : crowdSize.long, sizeMax())
  const random = makeRandom(seed).next
  const stack = await startBareStack({ stateDir: join(folder, 'state'), built })
  const gather = (size: number, isPatient: boolean) =>
    environments.map((environment) => {
      const { serverKey: key } = stack.seed.environments[environment]
      return gatherCrowd({ edgeUrl: stack.urls.edge, key, size, isPatient, random, spreadMs: gatherMs })
    })
  const crowds = gather(size, true)
  const mob: Crowd[] = []
  try {
    const gatheredMs = await waitForAll({ stack, crowds, fail }, 'at first', gatherMaxMs)
    say(`${2 * size} sockets after ${gatheredMs} ms`)
    const calm = await killUnder({ stack, crowds, fail }, 'among patient clients')
    mob.push(...gather(impatientSize / 2, false))
    await wait(gatherMs)
    const rough = await killUnder({ stack, crowds, fail }, 'among impatient ones')
    return {
      sockets: 2 * size,
      'all connected after (ms)': gatheredMs,
      ...named('patient alone', calm),
      ...named(`with ${impatientSize} impatient`, rough),
      'tries of the impatient': total(mob.map((each) => each.counts())).tries,
    }
  } finally {
    for (const crowd of [...crowds, ...mob]) crowd.stop()
    await stack.stop()
  }
}

interface Scene extends Pick<DrillRun, 'fail'> {
  readonly stack: BareStack
  readonly crowds: readonly Crowd[]
}

interface Recovery {
  readonly recoveredMs: number
  readonly tries: number
  /** Nobody answered, or with something else than 101 and 503. */
  readonly failed: number
  readonly askedToWait: number
  readonly whileNobodyListened: number
}

/** Kills, changes something, and waits until all who behave hold the change. */
async function killUnder(scene: Scene, when: string): Promise<Recovery> {
  const { stack, crowds, fail } = scene
  const counts = () => total(crowds.map((crowd) => crowd.counts()))
  const before = counts()
  await stack.processes.edge.replaceWorkerd()
  const listening = counts()
  const recoveredMs = await waitForAll(scene, when, recoverMaxMs)
  const after = counts()
  const since = (name: keyof FollowCounts) => after[name] - listening[name]
  const failed = since('unreachable') + since('refused')
  // By how they ended: many that then succeed begin before.
  const tries = since('opened') + since('askedToWait') + failed
  if (failed > tries * failedShareMax) fail(`${when}: ${failed} of ${tries} tries failed`)
  const whileNobodyListened = listening.unreachable - before.unreachable
  return { recoveredMs, tries, failed, askedToWait: since('askedToWait'), whileNobodyListened }
}

/** Changes both environments; answers after how many milliseconds all hold it. */
async function waitForAll({ stack, crowds, fail }: Scene, when: string, withinMs: number): Promise<number> {
  const start = performance.now()
  const heads = await Promise.all(environments.map((environment) => headAfterWrite(stack, environment)))
  const left = withinMs - (performance.now() - start)
  const ms = await until(() => crowds.every((crowd, index) => isAt(crowd, heads[index])), left)
  if (ms === null) {
    const held = crowds.map(
      (crowd, index) => `${heads[index] ? crowd.at(heads[index]) : 'no head'} of ${crowd.size}`,
    )
    fail(
      `${when}: after ${withinMs} ms ${held.join(' and ')} are at head; ${JSON.stringify(total(crowds.map((crowd) => crowd.counts())))}`,
    )
  }
  return Math.round(performance.now() - start)
}

function isAt(crowd: Crowd, head: Version | undefined): boolean {
  return head !== undefined && crowd.at(head) === crowd.size
}

/** The write is tried again until it is acknowledged: the storm may have swallowed its connection. */
async function headAfterWrite(stack: BareStack, environment: string): Promise<Version> {
  for (;;) {
    const { version } = await toggleOnce(stack, environment) // oxlint-disable-line no-await-in-loop -- one try after another
    const at = version === null ? null : parseVersion(version)
    if (at) return at
    await wait(writeRetryMs) // oxlint-disable-line no-await-in-loop
  }
}

function named(
  name: string,
  { recoveredMs, tries, failed, askedToWait, whileNobodyListened }: Recovery,
): Figures {
  return {
    [`${name}: all at head after (ms)`]: recoveredMs,
    [`${name}: tries`]: tries,
    [`${name}: failed`]: failed,
    [`${name}: asked to wait`]: askedToWait,
    [`${name}: tries while nobody listened`]: whileNobodyListened,
  }
}

/** How many sockets each of two environments may have on this machine. */
function sizeMax(): number {
  const limit = Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1])
  const forSockets = (limit - descriptors.reserve) / descriptors.perSocket
  return Math.floor((forSockets - impatientSize) / environments.length)
}
