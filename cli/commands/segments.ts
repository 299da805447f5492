import { randomUUID } from 'node:crypto'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { Segment, SegmentInEnvironment, SegmentStatePatch } from '@halyard/shared/contract/segment.ts'
import { describeCondition } from '@halyard/shared/words/describe-condition.ts'
import { count, showList } from '@halyard/shared/words/show.ts'
import { readJson, readJsonFile, readTags } from '../arguments.ts'
import { usageError } from '../command-error.ts'
import { confirmEverywhere, confirmIn } from '../confirm.ts'
import type { CommentOption, WriteOptions } from '../options.ts'
import { printFacts, printJson, printLine, printTable, printWritten, visible } from '../output.ts'
import { readPages } from '../pages.ts'
import { clientOf, placeOf, projectOf } from '../place.ts'
import type { Settings } from '../settings.ts'

export interface ListOptions {
  readonly tag?: string
  readonly text?: string
  readonly archived?: boolean
}

interface DefinitionOptions extends CommentOption {
  readonly name?: string
  readonly description?: string
  readonly tags?: string
}

interface StateOptions {
  readonly attribute?: string
  readonly include?: readonly string[]
  readonly exclude?: readonly string[]
  readonly when?: string
}

export interface CreateOptions extends DefinitionOptions, StateOptions {}
export interface UpdateOptions extends DefinitionOptions, StateOptions, WriteOptions {}

/** `segments list`: every segment, with its state in one environment. */
export async function listSegments(options: ListOptions, settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const params = placeOf(settings)
  const { archived, ...filters } = options
  const query = {
    ...filters,
    ...(archived === true && { archived: 'true' as const }),
    limit: limits.pageSize,
  }
  const segments = await readPages((cursor) =>
    client.call('listSegmentStates', {
      params,
      query: { ...query, ...(cursor !== undefined && { cursor }) },
    }),
  )
  if (settings.isJson) return printJson({ environment: params.environment, segments })
  if (segments.length === 0) return printLine(`no segments in ${visible(params.environment)}`)
  const rows = segments.map((segment) => [segment.key, sizeOf(segment), segment.attribute, segment.name])
  printTable(['KEY', 'HOLDS', 'BY', 'NAME'], rows)
}

/** `segments get` */
export async function getSegment(key: string, settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const [segment, { updatedAt: _, ...state }] = await Promise.all([
    client.call('getSegment', { params: { ...projectOf(settings), key } }),
    client.call('getSegmentState', { params: { ...placeOf(settings), key } }),
  ])
  if (settings.isJson) return printJson({ ...segment, ...state })
  const { members } = state
  printFacts(segment.key, [
    ['name', segment.name],
    ['description', segment.description],
    ['tags', segment.tags.join(', ')],
    ['archived', segment.archived ? 'yes' : 'no'],
    ['environment', state.environment],
    ['attribute', state.attribute],
    ['include', state.include.length === 0 ? '' : showList(state.include, 'and')],
    ['exclude', state.exclude.length === 0 ? '' : showList(state.exclude, 'and')],
    ['when', state.when === null ? '' : describeCondition(state.when)],
    ['uploaded', members === null ? '' : `${count(members.count)} ids`],
    [
      'edits since',
      members === null ? '' : `${members.added.length} added, ${members.removed.length} removed`,
    ],
  ])
}

/** `segments create`: what it holds is for the environment. */
export async function createSegment(key: string, options: CreateOptions, settings: Settings): Promise<void> {
  const state = stateOf(options)
  const body = {
    key,
    ...definitionOf(options),
    ...(Object.keys(state).length > 0 && { environments: { [settings.need('env')]: state } }),
  }
  const input = { params: projectOf(settings), body, idempotencyKey: randomUUID() }
  const segment = await clientOf(settings).call('createSegment', input)
  printWritten(segment, settings.isJson, () => printLine(`created ${visible(segment.key)}`))
}

/** `segments update`: its words everywhere, or what it holds in the environment. */
export async function updateSegment(key: string, options: UpdateOptions, settings: Settings): Promise<void> {
  const { comment: _, ...words } = definitionOf(options)
  const state = stateOf(options)
  const [hasWords, hasState] = [Object.keys(words).length > 0, Object.keys(state).length > 0]
  if (hasWords === hasState)
    throw usageError(
      hasWords ? 'that is two changes' : 'there is nothing to change',
      'give either --name, --description, --tags, which hold everywhere,',
      'or --attribute, --include, --exclude, --when, which hold in one environment',
    )
  const client = clientOf(settings)
  const comment = options.comment === undefined ? {} : { comment: options.comment }
  const write = { ifMatch: '*', idempotencyKey: randomUUID() } // it says all it means
  if (hasWords) {
    const params = { ...projectOf(settings), key }
    const segment = await client.call('updateSegment', { params, body: { ...words, ...comment }, ...write })
    return printWritten(segment, settings.isJson, () => printLine(`updated ${visible(segment.key)}`))
  }
  const params = { ...placeOf(settings), key }
  await confirmIn(client, params, { deed: `change segment ${visible(key)}`, yes: options.yes })
  const segment = await client.call('updateSegmentState', {
    params,
    body: { ...state, ...comment },
    ...write,
  })
  printWritten(segment, settings.isJson, () => {
    const version = segment.versions[segment.environment]
    const at = version === undefined ? 'unchanged' : `version ${version}`
    printLine(`updated ${visible(segment.key)} in ${visible(segment.environment)} (${at})`)
  })
}

/** `segments archive` */
export async function archiveSegment(key: string, { yes }: WriteOptions, settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const place = projectOf(settings)
  await confirmEverywhere(client, place, { deed: `archive segment ${visible(key)}`, yes })
  const input = { params: { ...place, key }, idempotencyKey: randomUUID() }
  const segment = await client.call('archiveSegment', input)
  printWritten(segment, settings.isJson, () => printLine(`archived ${visible(segment.key)}`))
}

/** `segments restore` */
export async function restoreSegment(key: string, options: WriteOptions, settings: Settings): Promise<void> {
  const { yes, comment } = options
  const client = clientOf(settings)
  const place = projectOf(settings)
  await confirmEverywhere(client, place, { deed: `restore segment ${visible(key)}`, yes })
  const body = comment === undefined ? {} : { comment }
  const input = { params: { ...place, key }, body, idempotencyKey: randomUUID() }
  const segment = await client.call('restoreSegment', input)
  printWritten(segment, settings.isJson, () => printLine(`restored ${visible(segment.key)}`))
}

function definitionOf({ name, description, tags, comment }: DefinitionOptions) {
  return {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(tags !== undefined && { tags: readTags(tags) }),
    ...(comment !== undefined && { comment }),
  } satisfies Partial<Segment> & CommentOption
}

function stateOf({ attribute, include, exclude, when }: StateOptions): SegmentStatePatch {
  return {
    ...(attribute !== undefined && { attribute }),
    ...(include && { include: idsOf(include) }),
    ...(exclude && { exclude: idsOf(exclude) }),
    ...(when !== undefined && { when: readWhen(when) }),
  }
}

/** An empty text alone is no ids. */
function idsOf(given: readonly string[]): string[] {
  return given.filter((id) => id !== '')
}

/** A condition as JSON, or a file that holds one; `none`. The API checks what it says. */
function readWhen(text: string): NonNullable<SegmentStatePatch['when']> | null {
  if (text === 'none') return null
  const value = /^\s*\{/.test(text) ? readJson(text) : readJsonFile(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw usageError(
      '--when is neither a condition as JSON nor a file that holds one',
      `such as '{"attribute":"plan","op":"eq","value":"pro"}', or none`,
    )
  return value as NonNullable<SegmentStatePatch['when']> // as said above
}

function sizeOf({ include, exclude, when, members }: SegmentInEnvironment): string {
  const ids =
    include.length + (members === null ? 0 : members.count + members.added.length - members.removed.length)
  const parts = [
    ids > 0 ? `${count(ids)} ids` : '',
    when === null ? '' : 'a condition',
    exclude.length > 0 ? `without ${count(exclude.length)}` : '',
  ].filter((part) => part !== '')
  return parts.join(', ') || 'nothing'
}
