import type { Version } from '@halyard/shared/protocol/version.ts'
import { parseVersion } from '@halyard/shared/protocol/version.ts'
import type { BareStack } from '../dev/bare-stack.ts'
import type { EnvironmentName } from '../dev/seed.ts'
import type { DrillRun } from './drill.ts'
import { startReaders, type Readers } from './readers.ts'
import { makeRandom } from './seeded-random.ts'
import { until } from './until.ts'
import { toggleOnce } from './write-once.ts'

/** A stack with readers on it, while something is broken. */
export interface Scene<Stack extends BareStack = BareStack> extends Pick<
  DrillRun,
  'isShort' | 'say' | 'fail'
> {
  readonly stack: Stack
  readonly readers: Readers
  /** The versions that were acknowledged last. */
  readonly heads: Map<string, Version>
}

export const environments = ['development', 'production'] as const satisfies readonly EnvironmentName[]

const quietMaxMs = 20_000
const coldMaxMs = 15_000

/** Runs `play` on a stack whose readers have all begun, and looks through what they saw. */
export async function playOn<Stack extends BareStack>(
  run: DrillRun,
  stack: Stack,
  play: (scene: Scene<Stack>) => Promise<Record<string, string | number>>,
  { isSpoiled = false } = {},
): Promise<Record<string, string | number>> {
  try {
    const readers = startReaders(stack, { environments, random: makeRandom(run.seed).next, isSpoiled })
    const scene = { ...run, stack, readers, heads: new Map<string, Version>() }
    await write(scene)
    await converge(scene, 'before anything was broken', quietMaxMs)
    const figures = await play(scene)
    await readers.stop(run.fail)
    return { ...figures, ...readers.figures() }
  } finally {
    await stack.stop()
  }
}

/** A change in each environment, which must be acknowledged. */
export async function write({ stack, heads, fail }: Scene): Promise<void> {
  for (const environment of environments) {
    const { status, version } = await toggleOnce(stack, environment) // oxlint-disable-line no-await-in-loop -- in order
    const at = version === null ? null : parseVersion(version)
    if (at) heads.set(environment, at)
    else fail(`a write to ${environment} answered ${status}`)
  }
}

/** Waits until all readers are at the last acknowledged versions; answers after how many milliseconds. */
export async function converge(
  { readers, heads, fail }: Scene,
  when: string,
  withinMs: number,
): Promise<number> {
  const isThere = () => readers.areAt(heads) && readers.openStreams() === readers.streams.length
  const ms = await until(isThere, withinMs)
  if (ms === null)
    fail(`${when}: not all readers came to the head within ${withinMs} ms: ${readers.describe()}`)
  return Math.round(ms ?? withinMs)
}

/** Lets time pass; every poll must be answered meanwhile. */
export async function requireAnswers(
  { readers, fail }: Scene,
  when: string,
  play: () => Promise<void>,
): Promise<void> {
  const before = readers.unanswered()
  await play()
  const missed = readers.unanswered() - before
  if (missed > 0) fail(`${when}: ${missed} polls were not answered`)
}

/** `kill -9` of the edge's workerd; answers how long the next one took, from listening, to its first answer. */
export async function startCold(scene: Scene, when: string): Promise<number> {
  await scene.stack.processes.edge.replaceWorkerd()
  return await firstAnswer(scene, when, 200)
}

/** The same, in a location that holds nothing either; the answer is to be of this status. */
export async function startElsewhere(scene: Scene, when: string, status: number): Promise<number> {
  await scene.stack.moveEdge()
  return await firstAnswer(scene, when, status)
}

async function firstAnswer({ stack, readers, fail }: Scene, when: string, status: number): Promise<number> {
  readers.isolateDied()
  const start = performance.now()
  const { serverKey } = stack.seed.environments.production
  const response = await fetch(`${stack.urls.edge}/ofrep/v1/evaluate/flags`, {
    method: 'POST',
    headers: { authorization: `Bearer ${serverKey}`, 'content-type': 'application/json' },
    body: '{"context":{"targetingKey":"user-1"}}',
    signal: AbortSignal.timeout(coldMaxMs),
  }).catch(() => null)
  if (response?.status !== status)
    fail(`${when}: a cold edge answered ${response?.status ?? 'nothing'}, not ${status}`)
  await response?.text()
  return Math.round(performance.now() - start)
}
