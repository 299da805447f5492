/** A project as a file of flags: nothing in it that its defaults say, nothing twice that all environments have. */
import type * as z from 'zod'
import type { AppliedFlagState, AppliedSegmentState } from '@halyard/shared/checks/applied-state.ts'
import { firstState } from '@halyard/shared/checks/first-state.ts'
import { emptySegment } from '@halyard/shared/checks/segment-rules.ts'
import type { FileFlag, FileLayer, FileSegment, FlagFile } from '@halyard/shared/flag-file/flag-file.ts'
import { valueTypeOf, variantsOf } from '@halyard/shared/flag-file/resolve.ts'
import { isSame, type Content, type FlagContent, type LayerContent, type SegmentContent } from './content.ts'

/** A file as it is written, before defaults. */
export type FlagFileInput = z.input<typeof FlagFile>
type FlagInput = z.input<typeof FileFlag>
type SegmentInput = z.input<typeof FileSegment>
type LayerInput = z.input<typeof FileLayer>

/** What is archived is left out. */
export function toFlagFile({ flags, segments, layers }: Content): FlagFileInput {
  return {
    flags: live(flags, toFileFlag),
    ...(hasLive(segments) && { segments: live(segments, toFileSegment) }),
    ...(hasLive(layers) && { layers: live(layers, toFileLayer) }),
  }
}

type Archivable = { readonly archived: boolean }

function live<T extends Archivable, F>(things: ReadonlyMap<string, T>, to: (key: string, thing: T) => F) {
  const entries = [...things].filter(([, { archived }]) => !archived)
  return Object.fromEntries(entries.map(([key, thing]): [string, F] => [key, to(key, thing)]))
}

function hasLive(things: ReadonlyMap<string, Archivable>): boolean {
  return [...things.values()].some(({ archived }) => !archived)
}

const flagDefaults = {
  description: '',
  schema: null,
  clientVisible: false,
  kind: 'release',
  temporary: false,
  expiresAt: null,
  onExpiry: 'keep',
  tags: [],
  owner: '',
}

function toFileFlag(key: string, { definition, seed, states }: FlagContent): FlagInput {
  const { valueType, variants: list, ...rest } = definition
  const variants = Object.fromEntries(list.map((variant) => [variant.key, variant.value]))
  const bare = { enabled: false, valueType: 'boolean' as const }
  const isPlain = valueType === 'boolean' && isSame(variants, mapOf(variantsOf(bare)))
  const { enabled, ...state } = sharedAndOwn(states, firstState(variantsOf({ ...bare, variants })))
  const { environments, ...shared } = state
  return {
    ...without(rest, { ...flagDefaults, name: key }),
    ...(!isPlain && valueTypeOf({ enabled: false, variants }) !== valueType && { valueType }),
    ...(!isPlain && { variants }),
    seed,
    enabled: enabled ?? false,
    ...toShort(shared),
    ...(environments && {
      environments: Object.fromEntries(
        Object.entries(environments).map(([name, own]) => [name, toShort(own)]),
      ),
    }),
  }
}

function mapOf(variants: ReturnType<typeof variantsOf>): object {
  return Object.fromEntries(variants.map(({ key, value }) => [key, value]))
}

/**
 * The fields that all states have alike, without those that go without saying, and beside them what single
 * environments have otherwise.
 */
function sharedAndOwn<State extends object>(
  states: ReadonlyMap<string, State>,
  defaults: State,
): Partial<State> & { environments?: Record<string, Partial<State>> } {
  const [first = defaults] = states.values()
  const names = Object.keys(defaults) as (keyof State)[] // its own
  const isShared = (name: keyof State) => [...states.values()].every((s) => isSame(s[name], first[name]))
  const told = (state: State, fields: readonly (keyof State)[]) =>
    Object.fromEntries(
      fields.flatMap((name) => (isSame(state[name], defaults[name]) ? [] : [[name, state[name]]])),
    ) as Partial<State> // some of its fields
  const shared = names.filter(isShared)
  const differing = names.filter((name) => !isShared(name))
  const own = [...states].flatMap(([environment, state]): [string, Partial<State>][] => {
    const fields = told(state, differing)
    return Object.keys(fields).length === 0 ? [] : [[environment, fields]]
  })
  const sorted = own.toSorted(([a], [b]) => (a < b ? -1 : 1))
  return { ...told(first, shared), ...(sorted.length > 0 && { environments: Object.fromEntries(sorted) }) }
}

type ShortState = Pick<
  FlagInput,
  'enabled' | 'offVariant' | 'variant' | 'prerequisites' | 'overrides' | 'rules' | 'fallthrough'
>

/** `variant` for a fallthrough that serves one, and no `by` that is the targeting key anyway. */
function toShort({ overrides, rules, fallthrough, ...rest }: Partial<AppliedFlagState>): Partial<ShortState> {
  return {
    ...rest,
    ...(fallthrough && ('variant' in fallthrough ? fallthrough : { fallthrough: shortServe(fallthrough) })),
    ...(overrides && {
      overrides: overrides.map((override) => without(override, { attribute: 'targetingKey' })),
    }),
    ...(rules && {
      rules: rules.map(({ sample, serve, ...rule }) => ({
        ...rule,
        ...(sample && { sample: without(sample, byDefault) }),
        serve: shortServe(serve),
      })),
    }),
  } as Partial<ShortState> // what is left out is what the schema puts in
}

type Serve = AppliedFlagState['fallthrough']

const byDefault = { by: 'targetingKey' }

function shortServe(serve: Serve): Serve {
  if ('variant' in serve) return serve
  const short =
    'split' in serve ? { split: without(serve.split, byDefault) } : { ramp: without(serve.ramp, byDefault) }
  return short as Serve // as above
}

function toFileSegment(key: string, { definition, states }: SegmentContent): SegmentInput {
  return {
    ...without(definition, { name: key, description: '', tags: [] }),
    ...sharedAndOwn(new Map([...states].map(([name, state]) => [name, nameMembers(state)])), emptySegment),
  }
}

/** Of an uploaded list its hash and size; what came and went since is in the list that it becomes. */
function nameMembers(state: AppliedSegmentState): AppliedSegmentState {
  const { members } = state
  const named = members && { hash: members.hash, count: members.count }
  return { ...state, members: named as AppliedSegmentState['members'] } // a file has no more of it
}

function toFileLayer(key: string, { definition, seed }: LayerContent): LayerInput {
  return { ...without(definition, { name: key, description: '', by: 'targetingKey' }), seed } as LayerInput // as above
}

/** What differs from these. */
function without<T extends object>(value: T, defaults: Readonly<Record<string, unknown>>): Partial<T> {
  const told = Object.entries(value).filter(
    ([name, field]) => !(Object.hasOwn(defaults, name) && isSame(field, defaults[name])),
  )
  return Object.fromEntries(told) as Partial<T> // some of its fields
}
