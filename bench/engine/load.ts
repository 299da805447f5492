/** Scenario G: the text of 1,000 flags, to the first answer. As a program it loads once, cold, and prints nanoseconds. */
import { formatBody, formatLine, loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { evaluate } from '@halyard/shared/engine/evaluate.ts'
import { mixedFlags } from './flags.ts'
import { parseFloor } from './floor.ts'

const key = 'feature-0005'

export interface LoadTexts {
  readonly body: string
  readonly floorText: string
}

/** The same flags as a snapshot's body and as one JSON object. */
export function makeLoadTexts(): LoadTexts {
  const flags = mixedFlags(1_000)
  const body = formatBody(Array.from(flags, ([key, flag]) => formatLine('flag', key, JSON.stringify(flag))))
  return { body, floorText: JSON.stringify(Object.fromEntries(flags)) }
}

export function loadHalyard({ body }: LoadTexts): unknown {
  return evaluate(loadSnapshot(body), key, {}, 0)
}

export function loadFloor({ floorText }: LoadTexts): unknown {
  return parseFloor(floorText).get(key)?.({})
}

if (import.meta.main) {
  const texts = makeLoadTexts()
  const load = process.argv[2] === 'floor' ? loadFloor : loadHalyard
  const start = process.hrtime.bigint()
  load(texts)
  console.log(String(process.hrtime.bigint() - start))
}
