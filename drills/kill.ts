import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { compareVersions, parseVersion, type Version } from '@halyard/shared/protocol/version.ts'
import { startBareStack, type BareStack } from '../dev/bare-stack.ts'
import { checkCommitted } from './check-committed.ts'
import type { Drill, DrillRun, Figures } from './drill.ts'
import { startReaders, type Readers } from './readers.ts'
import { makeRandom, type Random } from './seeded-random.ts'
import { until } from './until.ts'
import { startWriter, type Writer } from './writer.ts'

export const kill: Drill = {
  name: 'kill',
  about:
    'kill -9 of workerd and of Postgres at random points: nothing acknowledged is lost, repeats apply once',
  run,
}

type Victim = 'workerd' | 'its process' | 'Postgres' | 'both'

const kills = { short: 40, long: 500 }
const environments = ['development', 'production'] as const
const progressMaxMs = 30_000
const convergeMaxMs = 30_000
/** What is killed, as often as it is named. */
const victims: readonly [Victim, ...Victim[]] = [
  'workerd',
  'workerd',
  'workerd',
  'workerd',
  'its process',
  'Postgres',
  'Postgres',
  'Postgres',
  'both',
]

async function run({ isShort, seed, built, folder, say, fail }: DrillRun): Promise<Figures> {
  const random = makeRandom(seed)
  const stack = await startBareStack({ stateDir: join(folder, 'state'), built })
  try {
    const writers = ['a', 'b', 'c'].map((name) => startWriter({ stack, name, environments, pauseMs: 20 }))
    const readers = startReaders(stack, { environments, random: random.next })
    const killed = await killAgainAndAgain(
      { stack, writers, readers, random, say, fail },
      isShort ? kills.short : kills.long,
    )
    for (const writer of writers) await writer.stop() // oxlint-disable-line no-await-in-loop -- each ends what it has begun
    const operations = writers.flatMap((writer) => writer.operations)
    const heads = newest(operations.map(({ versions }) => versions))
    const convergedMs = await until(() => readers.areAt(heads), convergeMaxMs)
    if (convergedMs === null) fail(`not all readers came to the head: ${readers.describe()}`)
    await readers.stop(fail)
    const committed = await checkCommitted(stack, operations, fail)
    return {
      ...killed,
      'acknowledged writes': operations.length,
      'sent more than once': operations.filter(({ tries }) => tries > 1).length,
      ...readers.figures(),
      'all readers at head after (ms)': convergedMs === null ? 'never' : Math.round(convergedMs),
      'audit entries': committed.auditEntries,
      versions: committed.versions,
      'published and compiled again': committed.recompiled,
    }
  } finally {
    await stack.stop()
  }
}

interface Scene extends Pick<DrillRun, 'say' | 'fail'> {
  readonly stack: BareStack
  readonly writers: readonly Writer[]
  readonly readers: Readers
  readonly random: Random
}

async function killAgainAndAgain(scene: Scene, times: number): Promise<Record<string, number>> {
  const { writers, random, say, fail } = scene
  const counts: Record<string, number> = {}
  for (let done = 1; done <= times; done++) {
    // One kill after another.
    await scene.writers[random.below(writers.length)]?.next(random.pick(['sent', 'acknowledged'])) // oxlint-disable-line no-await-in-loop
    await wait(random.below(random.pick([5, 40, 400]))) // oxlint-disable-line no-await-in-loop
    const victim = random.pick(victims)
    counts[`kills of ${victim}`] = (counts[`kills of ${victim}`] ?? 0) + 1
    await killOne(scene, victim) // oxlint-disable-line no-await-in-loop
    const progress = Promise.race(writers.map((writer) => writer.next('acknowledged')))
    const isStuck = await Promise.race([progress.then(() => false), wait(progressMaxMs, true)]) // oxlint-disable-line no-await-in-loop
    if (isStuck) fail(`no write was acknowledged within ${progressMaxMs} ms of kill ${done}, of ${victim}`)
    if (done % 20 === 0) say(`${done} of ${times} kills`)
  }
  return counts
}

async function killOne({ stack, readers }: Scene, victim: Victim): Promise<void> {
  const { database, processes } = stack
  switch (victim) {
    case 'workerd':
      await processes.edge.replaceWorkerd()
      break
    case 'its process':
      await processes.edge.kill9()
      await processes.edge.start()
      break
    case 'Postgres':
      await database.kill9()
      return await database.start()
    case 'both':
      await Promise.all([database.kill9(), processes.edge.kill9()])
      await Promise.all([database.start(), processes.edge.start()])
      break
    default:
      victim satisfies never
  }
  readers.isolateDied()
}

/** The highest version of each environment that an answer named. */
function newest(answers: readonly (Readonly<Record<string, string>> | null)[]): Map<string, Version> {
  const heads = new Map<string, Version>()
  for (const [environment, token] of answers.flatMap((versions) => Object.entries(versions ?? {}))) {
    const at = parseVersion(token)
    const known = heads.get(environment)
    if (at && (!known || compareVersions(at, known) > 0)) heads.set(environment, at)
  }
  return heads
}
