/** `flags create|update|archive|restore`: what belongs to a project. */
import { randomUUID } from 'node:crypto'
import type { Flag, FlagCreate, ValueType, Variant } from '@halyard/shared/contract/flag.ts'
import type { Warning } from '@halyard/shared/contract/written.ts'
import { readMoment, readTags, readVariant } from '../arguments.ts'
import { usageError } from '../command-error.ts'
import { confirmEverywhere } from '../confirm.ts'
import type { CommentOption, WriteOptions } from '../options.ts'
import { paint, printLine, printWritten, visible } from '../output.ts'
import { clientOf, projectOf } from '../place.ts'
import type { Settings } from '../settings.ts'

interface DefinitionOptions {
  readonly name?: string
  readonly description?: string
  readonly tags?: string
  readonly owner?: string
  readonly kind?: Flag['kind']
  readonly expires?: string
  readonly onExpiry?: string
  readonly clientVisible?: boolean
  readonly variant?: readonly string[]
}

export interface CreateOptions extends DefinitionOptions, CommentOption {
  readonly type?: ValueType
}

export interface UpdateOptions extends DefinitionOptions, WriteOptions {
  readonly removeVariant?: readonly string[]
}

type Definition = Partial<Omit<FlagCreate, 'key' | 'valueType' | 'environments'>>

/** `flags create`: a flag that starts switched off everywhere. */
export async function createFlag(key: string, options: CreateOptions, settings: Settings): Promise<void> {
  const { type, variant } = options
  const body: FlagCreate = {
    key,
    ...(type !== undefined && { valueType: type }),
    ...(variant && { variants: variant.map((text) => readVariant(text, type ?? 'boolean')) }),
    ...definitionOf(options),
  }
  const input = { params: projectOf(settings), body, idempotencyKey: randomUUID() }
  const flag = await clientOf(settings).call('createFlag', input)
  printWritten(flag, settings.isJson, () => {
    printLine(`created ${visible(flag.key)}, switched off in every environment`)
    printLine(paint('dim', `switch it on: halyard flags toggle ${visible(flag.key)} --on --env NAME`))
  })
}

/** `flags update`: asks first if it changes what a protected environment serves. */
export async function updateFlag(key: string, options: UpdateOptions, settings: Settings): Promise<void> {
  const { yes, variant = [], removeVariant = [] } = options
  const client = clientOf(settings)
  const place = projectOf(settings)
  const params = { ...place, key }
  const words = definitionOf(options)
  const changesVariants = variant.length + removeVariant.length > 0
  const { comment: _, ...changed } = words
  if (!changesVariants && Object.keys(changed).length === 0)
    throw usageError('there is nothing to change', 'give at least one option, such as --name; see --help')
  const found = changesVariants ? await client.exchange('getFlag', { params }) : null
  const body = { ...words, ...(found && { variants: mergeVariants(found.result, variant, removeVariant) }) }
  const reaches = changesVariants || 'clientVisible' in body || 'expiresAt' in body || 'onExpiry' in body
  if (reaches) await confirmEverywhere(client, place, { deed: `change ${visible(key)}`, yes })
  const ifMatch = found?.etag ?? '*' // without a list it says all it means
  const flag = await client.call('updateFlag', { params, body, ifMatch, idempotencyKey: randomUUID() })
  tell(flag, 'updated', settings)
}

/** `flags archive`: readers no longer find it. */
export async function archiveFlag(key: string, { yes }: WriteOptions, settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const place = projectOf(settings)
  await confirmEverywhere(client, place, { deed: `archive ${visible(key)}`, yes })
  const input = { params: { ...place, key }, idempotencyKey: randomUUID() }
  tell(await client.call('archiveFlag', input), 'archived', settings)
}

/** `flags restore`: readers find it again, as it was. */
export async function restoreFlag(
  key: string,
  { yes, comment }: WriteOptions,
  settings: Settings,
): Promise<void> {
  const client = clientOf(settings)
  const place = projectOf(settings)
  await confirmEverywhere(client, place, { deed: `restore ${visible(key)}`, yes })
  const body = comment === undefined ? {} : { comment }
  const input = { params: { ...place, key }, body, idempotencyKey: randomUUID() }
  tell(await client.call('restoreFlag', input), 'restored', settings)
}

function definitionOf(options: DefinitionOptions & CommentOption): Definition {
  const { name, description, tags, owner, kind, expires, onExpiry, clientVisible, comment } = options
  return {
    ...(name !== undefined && { name }),
    ...(description !== undefined && { description }),
    ...(tags !== undefined && { tags: readTags(tags) }),
    ...(owner !== undefined && { owner }),
    ...(kind !== undefined && { kind }),
    ...(expires !== undefined && { expiresAt: expires === 'never' ? null : readMoment(expires, Date.now()) }),
    ...(onExpiry !== undefined && { onExpiry: onExpiry === 'keep' ? 'keep' : { variant: onExpiry } }),
    ...(clientVisible !== undefined && { clientVisible }),
    ...(comment !== undefined && { comment }),
  }
}

/** In their order, the new ones last. */
function mergeVariants(flag: Flag, set: readonly string[], remove: readonly string[]): Variant[] {
  const variants = new Map(flag.variants.map((variant) => [variant.key, variant]))
  for (const key of remove) {
    if (!variants.delete(key))
      throw usageError(
        `${flag.key} has no variant "${key}"`,
        `it has ${flag.variants.map((variant) => variant.key).join(', ')}`,
      )
  }
  for (const text of set) {
    const variant = readVariant(text, flag.valueType)
    variants.set(variant.key, variant)
  }
  return [...variants.values()]
}

function tell(
  flag: Flag & { readonly warnings: readonly Warning[]; readonly versions: Readonly<Record<string, string>> },
  deed: string,
  settings: Settings,
): void {
  printWritten(flag, settings.isJson, () => {
    const versions = Object.entries(flag.versions).map(
      ([environment, version]) => `${environment} ${version}`,
    )
    const at = versions.length === 0 ? '' : ` (${versions.join(', ')})`
    printLine(`${deed} ${visible(flag.key)}${at}`)
  })
}
