/** What a file wants a project to hold, in the terms of what the project holds now. */
import { pointerOf, type WrongField } from '@halyard/shared/checks/wrong-field.ts'
import { momentMs } from '@halyard/shared/contract/moment.ts'
import type { FileFlag, FileLayer, FileSegment, FlagFile } from '@halyard/shared/flag-file/flag-file.ts'
import { resolve, valueTypeOf, variantsOf } from '@halyard/shared/flag-file/resolve.ts'
import { adoptRules } from './adopt-rules.ts'
import type { Content, FlagContent, LayerContent, SegmentContent } from './content.ts'

/**
 * The content that a file describes, in these environments. What it leaves out is as a new thing has it, but for what
 * decides buckets: a flag that is there keeps its seed, a rule its id, a sample its seed.
 */
export function wantedContent(file: FlagFile, environments: readonly string[], present: Content): Content {
  const resolved = environments.map((environment) => ({ environment, ...resolve(file, environment) }))
  const flags = Object.entries(file.flags).map(([key, flag], index): [string, FlagContent] => {
    const before = present.flags.get(key)
    const states = resolved.flatMap(({ environment, flags: all }) => {
      const now = all[index]?.state
      if (!now) return []
      const given = flag.environments?.[environment]?.rules ?? flag.rules ?? []
      const rules = adoptRules(key, given, before?.states.get(environment)?.rules ?? [])
      return [[environment, { ...now, rules }] as const]
    })
    const seed = flag.seed ?? before?.seed ?? resolved[0]?.flags[index]?.seed ?? ''
    return [key, { definition: flagDefinition(key, flag), seed, archived: false, states: new Map(states) }]
  })
  return {
    environments,
    flags: new Map(flags),
    segments: new Map(Object.entries(file.segments ?? {}).map(segmentIn(resolved))),
    layers: new Map(
      Object.entries(file.layers ?? {}).map(([key, layer], index) => {
        const seed = layer.seed ?? present.layers.get(key)?.seed ?? resolved[0]?.layers[index]?.seed ?? ''
        return [key, toLayer(key, layer, seed)]
      }),
    ),
  }
}

/** What no write could bring about: told before any. */
export function impossible(wanted: Content, present: Content): WrongField[] {
  return [...wanted.flags].flatMap(([key, { definition }]): WrongField[] => {
    const before = present.flags.get(key)?.definition.valueType
    if (before === undefined || before === definition.valueType) return []
    const detail = `the flag is of type ${before}, the file says ${definition.valueType}: a type never changes, make a flag of another key`
    return [{ pointer: pointerOf(['flags', key]), detail }]
  })
}

/** Where a file says something that a write leaves as it is, in words. */
export function keptAsTheyAre(wanted: Content, present: Content): string[] {
  const seeds = (kind: 'flags' | 'layers') =>
    [...wanted[kind]].flatMap(([key, { seed }]) => {
      const before = present[kind].get(key)
      return before === undefined || before.seed === seed
        ? []
        : [`${kind.slice(0, -1)} ${key} keeps its seed ${before.seed}, not the file's: everybody would move`]
    })
  return [...seeds('flags'), ...seeds('layers'), ...otherLists(wanted, present)]
}

function otherLists(wanted: Content, present: Content): string[] {
  return [...wanted.segments].flatMap(([key, { states }]) =>
    [...states].flatMap(([environment, { members }]) => {
      if (!members) return []
      const held = present.segments.get(key)?.states.get(environment)?.members
      if (held?.hash === members.hash) return []
      const has = held ? `another list, of ${held.count}` : 'none'
      return [
        `segment ${key} in ${environment}: the file names an uploaded list of ${members.count} ids, there is ${has}; lists are uploaded, not applied`,
      ]
    }),
  )
}

function flagDefinition(key: string, flag: FileFlag): FlagContent['definition'] {
  const { expiresAt = null } = flag
  return {
    name: flag.name ?? key,
    description: flag.description ?? '',
    valueType: valueTypeOf(flag),
    variants: [...variantsOf(flag)],
    schema: flag.schema ?? null,
    clientVisible: flag.clientVisible ?? false,
    kind: flag.kind ?? 'release',
    temporary: flag.temporary ?? false,
    // As the server shows it.
    expiresAt: expiresAt === null ? null : new Date(momentMs(expiresAt)).toISOString(),
    onExpiry: flag.onExpiry ?? 'keep',
    tags: flag.tags ?? [],
    owner: flag.owner ?? '',
  }
}

function segmentIn(resolved: readonly (ReturnType<typeof resolve> & { readonly environment: string })[]) {
  return ([key, segment]: [string, FileSegment], index: number): [string, SegmentContent] => {
    const states = resolved.flatMap(({ environment, segments }) => {
      const state = segments[index]?.state
      return state ? [[environment, state] as const] : []
    })
    const { name = key, description = '', tags = [] } = segment
    return [key, { definition: { name, description, tags }, archived: false, states: new Map(states) }]
  }
}

function toLayer(
  key: string,
  { name = key, description = '', by, slots }: FileLayer,
  seed: string,
): LayerContent {
  return { definition: { name, description, by, slots }, seed, archived: false }
}
