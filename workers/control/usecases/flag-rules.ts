/** What a request says of a flag and its state, as they are stored. */
import type { AppliedFlagState } from '@halyard/shared/checks/applied-state.ts'
import { booleanVariants } from '@halyard/shared/checks/first-state.ts'
import type { WrongField } from '@halyard/shared/checks/wrong-field.ts'
import type { Variant } from '@halyard/shared/engine/model.ts'
import type { FlagPatch, FlagStatePatch, ParsedFlagCreate } from '@halyard/shared/contract/flag.ts'
import { momentMs } from '@halyard/shared/contract/moment.ts'
import { makeId, makeSeed } from '@halyard/shared/protocol/ids.ts'
import { ProblemError } from '../problem.ts'
import type { FlagRow } from '../store/select.ts'

/** A boolean flag may leave its variants out: on and off. */
export function variantsOrDefault({ valueType, variants }: ParsedFlagCreate, at: string): Variant[] {
  if (variants) return variants
  if (valueType === 'boolean') return [...booleanVariants]
  throw new ProblemError('invalid_input', {
    errors: [
      {
        pointer: `${at}/variants`,
        detail: `a ${valueType} flag needs its variants: [{"key": …, "value": …}]`,
      },
    ],
  })
}

/**
 * JSON merge patch of a state: named fields replace, others stay. New rules get their ids, new samples their seeds; the
 * sample of a known rule keeps its seed.
 */
export function patchState(state: AppliedFlagState, patch: FlagStatePatch): AppliedFlagState {
  const { rules, ...rest } = patch
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  if (!rules) return { ...state, ...given }
  const seeds = new Map(state.rules.map((rule) => [rule.id, rule.sample?.seed]))
  return { ...state, ...given, rules: rules.map((rule) => applyRule(rule, seeds)) }
}

function applyRule(
  { id = makeId('rul'), sample, ...rule }: NonNullable<FlagStatePatch['rules']>[number],
  seeds: ReadonlyMap<string, string | undefined>,
): AppliedFlagState['rules'][number] {
  if (!sample) return { ...rule, id }
  return { ...rule, id, sample: { ...sample, seed: sample.seed ?? seeds.get(id) ?? makeSeed() } }
}

/** The definition of a flag as a patch may name it. */
export type DefinitionPatch = Omit<FlagPatch, keyof FlagStatePatch | 'comment'>

/** What a patch says of a flag's row: named fields only. */
export function definitionOf(patch: DefinitionPatch): Partial<FlagRow> {
  const { expiresAt, onExpiry, schema, ...rest } = patch
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  return {
    ...given,
    ...(expiresAt !== undefined && { expiresAt: expiresAt === null ? null : new Date(momentMs(expiresAt)) }),
    ...(onExpiry !== undefined && { expiryVariant: onExpiry === 'keep' ? null : onExpiry.variant }),
    ...(schema !== undefined && { valueSchema: schema }),
  }
}

/** Throws `invalid_input` if there are any. */
export function refuseErrors(errors: readonly WrongField[]): void {
  if (errors.length > 0) throw new ProblemError('invalid_input', { errors })
}
