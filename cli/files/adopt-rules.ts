import type { AppliedFlagState } from '@halyard/shared/checks/applied-state.ts'
import type { FlagStatePatch } from '@halyard/shared/contract/flag.ts'
import { keyedRuleId, keyedSeed } from '@halyard/shared/flag-file/keyed-seed.ts'
import { isSame } from './content.ts'

type GivenRule = NonNullable<FlagStatePatch['rules']>[number]
type Rules = AppliedFlagState['rules']

/**
 * The rules of a file with their ids and the seeds of their samples. A rule without an id is the one that is there and
 * says the same; any other has the id of its place, as in local mode, or of the next place whose id is free. A sample
 * without a seed keeps that of its rule.
 */
export function adoptRules(flag: string, given: readonly GivenRule[], before: Rules): Rules {
  const taken = new Set(given.flatMap(({ id }) => (id === undefined ? [] : [id])))
  const known = given.map((rule) => {
    const id = rule.id ?? before.find((old) => !taken.has(old.id) && saysTheSame(old, rule))?.id
    if (id !== undefined) taken.add(id)
    return id
  })
  return given.map(({ sample, ...rule }, place) => {
    const id = known[place] ?? freeId(flag, place, taken)
    taken.add(id)
    if (!sample) return { ...rule, id }
    const kept = before.find((old) => old.id === id)?.sample?.seed
    return { ...rule, id, sample: { ...sample, seed: sample.seed ?? kept ?? keyedSeed('sample', flag, id) } }
  })
}

function saysTheSame(a: GivenRule, b: GivenRule): boolean {
  return isSame(bare(a), bare(b))
}

function bare({ name, when, sample, serve }: GivenRule) {
  return { name, when, serve, sample: sample && { by: sample.by, share: sample.share } }
}

function freeId(flag: string, from: number, taken: ReadonlySet<string>): string {
  for (let place = from; ; place++) {
    const id = keyedRuleId(flag, place)
    if (!taken.has(id)) return id
  }
}
