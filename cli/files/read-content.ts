/** Reads a project from a server. */
import type { AppliedFlagState, AppliedSegmentState } from '@halyard/shared/checks/applied-state.ts'
import type { FlagInEnvironment } from '@halyard/shared/contract/flag.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { Environment } from '@halyard/shared/contract/resources.ts'
import type { SegmentInEnvironment } from '@halyard/shared/contract/segment.ts'
import type { ApiClient } from '../api-client.ts'
import { usageError } from '../command-error.ts'
import { readPages } from '../pages.ts'
import type { Project } from '../place.ts'
import {
  flagFields,
  layerFields,
  pick,
  segmentFields,
  type Content,
  type FlagContent,
  type LayerContent,
  type SegmentContent,
} from './content.ts'

/** The live environments of a project. */
export async function readEnvironments(client: ApiClient, params: Project): Promise<readonly Environment[]> {
  const { items } = await client.call('listEnvironments', { params, query: { limit: limits.pageSize } })
  return items.filter((environment) => !environment.archived)
}

/** All of them, or those that are named. A usage error if one is not there. */
export function chooseEnvironments(
  live: readonly Environment[],
  wanted: readonly string[],
): readonly Environment[] {
  const names = live.map(({ key }) => key)
  const unknown = wanted.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw usageError(`there is no environment "${unknown}"`, `there is ${names.join(', ')}`)
  return wanted.length > 0 ? live.filter(({ key }) => wanted.includes(key)) : live
}

/** All that a project holds, with its states in these environments. */
export async function readContent(
  client: ApiClient,
  params: Project,
  environments: readonly string[],
): Promise<Content> {
  const [flags, segments, layers] = await Promise.all([
    Promise.all(environments.map((environment) => readFlags(client, { ...params, environment }))),
    Promise.all(environments.map((environment) => readSegments(client, { ...params, environment }))),
    readLayers(client, params),
  ])
  return { environments, flags: joinFlags(flags.flat()), segments: joinSegments(segments.flat()), layers }
}

/** The state of a flag, out of an answer that holds more. */
export function flagStateOf(flag: Pick<FlagInEnvironment, (typeof stateFields)[number]>): AppliedFlagState {
  return pick(flag, stateFields) as AppliedFlagState // a server's rules have their ids, its samples their seeds
}

export function segmentStateOf(
  segment: Pick<SegmentInEnvironment, (typeof segmentStateFields)[number]>,
): AppliedSegmentState {
  return pick(segment, segmentStateFields)
}

const stateFields = ['enabled', 'offVariant', 'prerequisites', 'overrides', 'rules', 'fallthrough'] as const
const segmentStateFields = ['attribute', 'include', 'exclude', 'when', 'members'] as const
const liveAndArchived = ['false', 'true'] as const

type InEnvironment = Project & { readonly environment: string }

async function readFlags(client: ApiClient, params: InEnvironment) {
  const lists = liveAndArchived.map((archived) =>
    readPages((cursor) =>
      client.call('listFlagStates', { params, query: { archived, cursor, limit: limits.pageSize } }),
    ),
  )
  return (await Promise.all(lists)).flat()
}

async function readSegments(client: ApiClient, params: InEnvironment) {
  const lists = liveAndArchived.map((archived) =>
    readPages((cursor) =>
      client.call('listSegmentStates', { params, query: { archived, cursor, limit: limits.pageSize } }),
    ),
  )
  return (await Promise.all(lists)).flat()
}

async function readLayers(client: ApiClient, params: Project): Promise<Map<string, LayerContent>> {
  const lists = liveAndArchived.map((archived) =>
    readPages((cursor) =>
      client.call('listLayers', { params, query: { archived, cursor, limit: limits.pageSize } }),
    ),
  )
  const layers = (await Promise.all(lists)).flat()
  return sorted(
    layers.map((layer) => {
      const { key, seed, archived } = layer
      return [key, { definition: pick(layer, layerFields), seed, archived }]
    }),
  )
}

function joinFlags(rows: readonly FlagInEnvironment[]): Map<string, FlagContent> {
  const flags = new Map<string, FlagContent & { readonly states: Map<string, AppliedFlagState> }>()
  for (const row of rows) {
    const { key, seed, archived, environment } = row
    const flag = flags.get(key) ?? { definition: pick(row, flagFields), seed, archived, states: new Map() }
    flag.states.set(environment, flagStateOf(row))
    flags.set(key, flag)
  }
  return sorted([...flags])
}

function joinSegments(rows: readonly SegmentInEnvironment[]): Map<string, SegmentContent> {
  const segments = new Map<string, SegmentContent & { readonly states: Map<string, AppliedSegmentState> }>()
  for (const row of rows) {
    const { key, archived, environment } = row
    const segment = segments.get(key) ?? { definition: pick(row, segmentFields), archived, states: new Map() }
    segment.states.set(environment, segmentStateOf(row))
    segments.set(key, segment)
  }
  return sorted([...segments])
}

/** By key, in the order that every machine has. */
function sorted<T>(entries: readonly (readonly [string, T])[]): Map<string, T> {
  return new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
