/** A file of flags with all that it leaves out: what evaluation needs, of one environment. Pure. */
import type { AppliedFlagState, AppliedSegmentState } from '../checks/applied-state.ts'
import { booleanVariants, firstState } from '../checks/first-state.ts'
import { emptySegment } from '../checks/segment-rules.ts'
import type { FlagSource, LayerSource } from '../compiler/lines.ts'
import type { FlagStatePatch, ValueType } from '../contract/flag.ts'
import { momentMs } from '../contract/moment.ts'
import type { Expiry, Variant } from '../engine/model.ts'
import type { FileFlag, FileLayer, FileSegment, FlagFile } from './flag-file.ts'
import { keyedRuleId, keyedSeed } from './keyed-seed.ts'

export interface ResolvedFlag extends FlagSource {
  readonly state: AppliedFlagState
}

export interface ResolvedSegment {
  readonly key: string
  readonly state: AppliedSegmentState
}

/** What `shared/compiler` writes the lines of a snapshot of. */
export interface ResolvedFile {
  readonly flags: readonly ResolvedFlag[]
  readonly segments: readonly ResolvedSegment[]
  readonly layers: readonly LayerSource[]
}

/**
 * The flags of a file as they are in an environment; as they are otherwise if that is not named, or the file says
 * nothing of it. What is left out is as the server has it for what is new; seeds and ids are made of the keys.
 */
export function resolve(file: FlagFile, environment?: string): ResolvedFile {
  const { flags, segments = {}, layers = {} } = file
  return {
    flags: Object.entries(flags).map(([key, flag]) => resolveFlag(key, flag, environment)),
    segments: Object.entries(segments).map(([key, segment]) => resolveSegment(key, segment, environment)),
    layers: Object.entries(layers).map(([key, layer]) => resolveLayer(key, layer)),
  }
}

/** The environments that a file says something of. */
export function environmentsOf({ flags, segments = {} }: FlagFile): string[] {
  const named = [...Object.values(flags), ...Object.values(segments)]
  return [...new Set(named.flatMap(({ environments = {} }) => Object.keys(environments)))].toSorted()
}

/** What a flag or segment says of an environment; undefined: nothing. */
export function stateIn<State>(
  { environments }: { readonly environments?: Readonly<Record<string, State>> | undefined },
  environment: string | undefined,
): State | undefined {
  const isNamed = environment !== undefined && environments && Object.hasOwn(environments, environment)
  return isNamed ? environments[environment] : undefined
}

/** The variants of a flag: on and off of a boolean that names none. */
export function variantsOf(flag: FileFlag): readonly Variant[] {
  const { variants } = flag
  if (variants) return Object.entries(variants).map(([key, value]) => ({ key, value }))
  return valueTypeOf(flag) === 'boolean' ? booleanVariants : []
}

/** The type of a flag: that of its values if it does not say. */
export function valueTypeOf({ valueType, variants }: FileFlag): ValueType {
  if (valueType !== undefined) return valueType
  const [type = 'boolean', ...others] = new Set(Object.values(variants ?? {}).map((value) => typeof value))
  return others.length === 0 && (type === 'boolean' || type === 'string' || type === 'number') ? type : 'json'
}

function resolveFlag(key: string, flag: FileFlag, environment: string | undefined): ResolvedFlag {
  const variants = variantsOf(flag)
  const expiry = expiryOf(flag)
  const own = stateIn(flag, environment)
  const { rules = [], ...state } = { ...givenState(flag), ...(own && givenState(own)) }
  return {
    key,
    valueType: valueTypeOf(flag),
    variants,
    seed: flag.seed ?? keyedSeed('flag', key),
    clientVisible: flag.clientVisible ?? false,
    ...(expiry && { expiry }),
    state: {
      ...firstState(variants),
      ...state,
      rules: rules.map((rule, index) => applyRule(key, rule, index)),
    },
  }
}

type State = Partial<
  Pick<AppliedFlagState, 'enabled' | 'offVariant' | 'prerequisites' | 'overrides' | 'fallthrough'>
> &
  Pick<FlagStatePatch, 'rules'>

/** The fields that are given. */
function givenState(given: FlagStatePatch & { readonly variant?: string | undefined }): State {
  const { enabled, offVariant, prerequisites, overrides, rules, variant } = given
  const fallthrough = variant === undefined ? given.fallthrough : { variant }
  return {
    ...(enabled !== undefined && { enabled }),
    ...(offVariant !== undefined && { offVariant }),
    ...(prerequisites && { prerequisites }),
    ...(overrides && { overrides }),
    ...(rules && { rules }),
    ...(fallthrough && { fallthrough }),
  }
}

/** A rule that keeps its id keeps the seed of its sample, wherever it comes to stand. */
function applyRule(
  flag: string,
  { id: given, sample, ...rule }: NonNullable<FlagStatePatch['rules']>[number],
  index: number,
): AppliedFlagState['rules'][number] {
  const id = given ?? keyedRuleId(flag, index)
  if (!sample) return { ...rule, id }
  return { ...rule, id, sample: { ...sample, seed: sample.seed ?? keyedSeed('sample', flag, id) } }
}

function expiryOf({ expiresAt, onExpiry }: FileFlag): Expiry | null {
  if (expiresAt === undefined || expiresAt === null || onExpiry === undefined || onExpiry === 'keep')
    return null
  return { at: new Date(momentMs(expiresAt)).toISOString(), variant: onExpiry.variant }
}

/** A list that only a server holds is named without its members: flags that need it say so. */
function resolveSegment(key: string, segment: FileSegment, environment: string | undefined): ResolvedSegment {
  const own = stateIn(segment, environment)
  const given = { ...emptySegment, ...defined(segment), ...(own && defined(own)) }
  const { attribute, include, exclude, when, members } = given
  return {
    key,
    state: {
      attribute,
      include,
      exclude,
      when,
      members: members && { added: [], removed: [], ...members },
    },
  }
}

function defined<Fields extends object>(
  fields: Fields,
): { [Name in keyof Fields]: Exclude<Fields[Name], undefined> } {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given) as never // the fields without those that are undefined
}

function resolveLayer(key: string, { by, slots, seed }: FileLayer): LayerSource {
  return { key, by, slots, seed: seed ?? keyedSeed('layer', key) }
}
