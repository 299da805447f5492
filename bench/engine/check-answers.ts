import type { HalyardAsker, LoadedHalyard } from './halyard.ts'
import { makeVariedContexts, type PlainDocument } from './plain-document.ts'
import type { Loaded, Values } from './product.ts'

/** Who answers, and whose answers are right. */
export interface Checked {
  readonly name: string
  readonly loaded: Loaded
  readonly halyard: LoadedHalyard
}

/** How often a flag's share gave true, and how many contexts it decided. */
type Shares = Map<string, { on: number; of: number }>

const answersMax = 20_000
const contextsMax = 2_000
/** Chance moves a share by so many of its standard deviations about once in two million. */
const deviations = 5

/**
 * Throws unless a product answers as Halyard does, both asked for one flag and asked for all. Where a share decides,
 * each product has its own buckets: there its answer must be the same twice, and its share right within chance.
 */
export async function checkAnswers(checked: Checked, document: PlainDocument): Promise<void> {
  const count = Math.min(contextsMax, Math.ceil(answersMax / document.flags.length))
  const shares: Shares = new Map()
  for (const context of makeVariedContexts(count)) {
    const asker = checked.loaded.forContext(context)
    const right = checked.halyard.forContext(context)
    const values = await asker.values() // oxlint-disable-line no-await-in-loop -- one context after the other
    for (const { key } of document.flags) {
      const value = await asker.value(key) // oxlint-disable-line no-await-in-loop
      checkOne({ ...checked, key, value, values, right, shares, id: context.targetingKey })
    }
  }
  for (const flag of document.flags) {
    const percents = [flag.percent, ...flag.rules.map((rule) => rule.percent)]
    const percent = percents.find((each) => each > 0 && each < 100)
    if (percent !== undefined) checkShare(checked.name, flag.key, percent / 100, shares)
  }
}

interface Answer extends Checked {
  readonly key: string
  readonly id: string
  readonly value: boolean
  readonly values: Values
  readonly right: HalyardAsker
  readonly shares: Shares
}

function checkOne({ name, key, id, value, values, right, shares }: Answer) {
  if ((values.get(key) ?? false) !== value)
    throw new Error(`${name} answers ${key} for ${id} with ${value}, and otherwise among all flags`)
  const decision = right.decision(key)
  if (decision.reason === 'ERROR') throw new Error(`Halyard fails at ${key}: ${decision.errorDetails}`)
  if (decision.reason === 'SPLIT') {
    const share = shares.get(key) ?? { on: 0, of: 0 }
    shares.set(key, { on: share.on + Number(value), of: share.of + 1 })
  } else if (decision.value !== value) {
    throw new Error(`${name} answers ${key} for ${id} with ${value}, Halyard with ${String(decision.value)}`)
  }
}

function checkShare(name: string, key: string, wanted: number, shares: Shares) {
  const { on, of } = shares.get(key) ?? { on: 0, of: 0 }
  if (of === 0) return
  const tolerance = deviations * Math.sqrt((wanted * (1 - wanted)) / of) + 1 / of
  const share = on / of
  if (Math.abs(share - wanted) > tolerance)
    throw new Error(`${name} gives ${key} to ${share.toFixed(3)} of ${of} users instead of ${wanted}`)
}
