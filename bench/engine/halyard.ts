import { evaluate, evaluateAll } from '@halyard/shared/engine/evaluate.ts'
import type { Decision } from '@halyard/shared/engine/model.ts'
import { loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { writeBody } from './flags.ts'
import type { PlainContext } from './plain-document.ts'
import { valuesOf, type Asker, type Loaded, type Product } from './product.ts'

export interface LoadedHalyard extends Loaded {
  readonly forContext: (context: PlainContext) => HalyardAsker
}

export interface HalyardAsker extends Asker {
  readonly decision: (key: string) => Decision
}

const now = 1_750_000_000_000

export const halyard = { write: writeBody, load } satisfies Product

function load(text: string): LoadedHalyard {
  const snapshot = loadSnapshot(text)
  return {
    forContext: (plain) => {
      const context = { ...plain }
      return {
        one: (key) => evaluate(snapshot, key, context, now),
        all: () => evaluateAll(snapshot, context, now),
        value: (key) => isOn(evaluate(snapshot, key, context, now)),
        values: () =>
          valuesOf(evaluateAll(snapshot, context, now).map((decision) => [decision.key, isOn(decision)])),
        decision: (key) => evaluate(snapshot, key, context, now),
      }
    },
  }
}

function isOn(decision: Decision): boolean {
  if (decision.reason === 'ERROR') throw new Error(`${decision.key}: ${decision.errorDetails}`)
  return decision.value === true
}
