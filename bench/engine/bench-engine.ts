import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { evaluate, evaluateAll } from '@halyard/shared/engine/evaluate.ts'
import { formatBody, formatLine, loadSnapshot, type Snapshot } from '@halyard/shared/engine/snapshot.ts'
import { makeContexts, mixedFlags, plainFlags, rolloutFlags, ruleFlags, type Flags } from './flags.ts'
import { decideAll, makeFloor } from './floor.ts'
import { loadFloor, loadHalyard, makeLoadTexts } from './load.ts'
import { measure, median, type Figure, type Subject } from './measure.ts'

export type EngineScenario = 'A' | 'B' | 'C' | 'E' | 'F' | 'G-cold' | 'G-warm'

export interface Comparison {
  readonly title: string
  readonly halyard: Figure
  readonly floor: Figure
  /** Halyard's time over the floor's. */
  readonly ratio: number
  /** The most nanoseconds that are good enough. */
  readonly goalNs: number
}

export type EngineResults = Readonly<Record<EngineScenario, Comparison>>

interface Scenario {
  readonly title: string
  readonly goalNs: number
  readonly halyard: Subject['run']
  readonly floor: Subject['run']
}

const now = 1_750_000_000_000
const contexts = makeContexts(64)
const coldRounds = 7

/** Measures the engine and the floor in process, one scenario beside the other in random order. Takes about twenty seconds. */
export async function benchEngine(): Promise<EngineResults> {
  const scenarios = makeScenarios()
  const figures = measure(
    Object.entries(scenarios).flatMap(([name, { halyard, floor }]) => [
      { name: `${name}:halyard`, run: halyard },
      { name: `${name}:floor`, run: floor },
    ]),
  )
  const figure = (name: string): Figure => figures.get(name) ?? { ns: Number.NaN, bytes: Number.NaN }
  const compare = (name: keyof typeof scenarios): Comparison => {
    const { title, goalNs } = scenarios[name]
    return comparison(title, goalNs, figure(`${name}:halyard`), figure(`${name}:floor`))
  }
  const cold = comparison(
    '1,000 flags to ready, cold',
    1_500_000,
    await coldLoad('halyard'),
    await coldLoad('floor'),
  )
  return {
    A: compare('A'),
    B: compare('B'),
    C: compare('C'),
    E: compare('E'),
    F: compare('F'),
    'G-cold': cold,
    'G-warm': compare('G-warm'),
  }
}

function makeScenarios(): Record<Exclude<EngineScenario, 'G-cold'>, Scenario> {
  const texts = makeLoadTexts()
  return {
    A: one('boolean, no rules', 30, plainFlags()),
    B: one('five rules of two conditions, match at the last', 200, ruleFlags()),
    C: one('20 % rollout by user', 110, rolloutFlags()),
    E: all('100 mixed flags for one context', 10_000, mixedFlags(100)),
    F: all('1,000 mixed flags for one context', 100_000, mixedFlags(1_000)),
    'G-warm': {
      title: '1,000 flags to ready, warm',
      goalNs: 1_000_000,
      halyard: () => loadHalyard(texts),
      floor: () => loadFloor(texts),
    },
  }
}

function one(title: string, goalNs: number, flags: Flags): Scenario {
  const snapshot = snapshotOf(flags)
  const floor = makeFloor(flags)
  const [key = ''] = flags.keys()
  return {
    title,
    goalNs,
    halyard: (i) => evaluate(snapshot, key, contextAt(i), now),
    floor: (i) => floor.get(key)?.(contextAt(i)),
  }
}

function all(title: string, goalNs: number, flags: Flags): Scenario {
  const snapshot = snapshotOf(flags)
  const floor = makeFloor(flags)
  return {
    title,
    goalNs,
    halyard: (i) => evaluateAll(snapshot, contextAt(i), now),
    floor: (i) => decideAll(floor, contextAt(i)),
  }
}

function contextAt(i: number) {
  return contexts[i % contexts.length] ?? {}
}

function snapshotOf(flags: Flags): Snapshot {
  return loadSnapshot(
    formatBody(Array.from(flags, ([key, flag]) => formatLine('flag', key, JSON.stringify(flag)))),
  )
}

function comparison(title: string, goalNs: number, halyard: Figure, floor: Figure): Comparison {
  return { title, halyard, floor, ratio: halyard.ns / floor.ns, goalNs }
}

/** Each time in a fresh process; nothing is compiled there yet. */
async function coldLoad(name: 'halyard' | 'floor'): Promise<Figure> {
  const program = fileURLToPath(new URL('load.ts', import.meta.url))
  const times: number[] = []
  for (let round = 0; round < coldRounds; round++) {
    // One process after the other, so that they do not take each other's core.
    // oxlint-disable-next-line no-await-in-loop
    const { stdout } = await promisify(execFile)(process.execPath, [program, name])
    times.push(Number(stdout))
  }
  return { ns: median(times), bytes: Number.NaN }
}
