/** Reads and writes of single things, each held to what was there when it was looked at. */
import { randomUUID } from 'node:crypto'
import type { Api, Operation, ResultOf } from '@halyard/shared/contract/api.ts'
import type { Warning } from '@halyard/shared/contract/written.ts'
import type { ApiClient, Input } from '../api-client.ts'
import type { Project } from '../place.ts'

/** The client of one run of writes. It remembers the entity tags of what it met, and what writes answered. */
export interface Writer {
  readonly client: ApiClient
  readonly project: Project
  readonly comment: string | undefined
  /** By `tagName`. */
  readonly tags: Map<string, string>
  /** The last version that a write made, by environment. */
  readonly versions: Map<string, string>
  readonly warnings: Warning[]
}

/** What has an entity tag: a definition, or a state in an environment. */
export interface Target {
  readonly kind: 'flag' | 'segment' | 'layer'
  readonly key: string
  readonly environment?: string
}

export function makeWriter(client: ApiClient, project: Project, comment: string | undefined): Writer {
  return { client, project, comment, tags: new Map(), versions: new Map(), warnings: [] }
}

/** `flag x in production` */
export function nameOfTarget({ kind, key, environment }: Target): string {
  return `${kind} ${key}${environment === undefined ? '' : ` in ${environment}`}`
}

/** Reads something and remembers its tag. */
export async function observe<O extends Operation>(
  { client, tags }: Writer,
  target: Target,
  { operation, input }: { readonly operation: O; readonly input: Input<Api[O]> },
): Promise<ResultOf<Api[O]>> {
  const { result, etag } = await client.exchange(operation, input)
  if (etag !== null) tags.set(nameOfTarget(target), etag)
  return result
}

type AnyWritten = {
  readonly versions: Readonly<Record<string, string>>
  readonly warnings: readonly Warning[]
}

/** Writes something, if it is as it was when its tag was read. */
export async function write<O extends Operation>(
  { client, tags, versions, warnings, comment }: Writer,
  target: Target | null,
  { operation, input }: { readonly operation: O; readonly input: Input<Api[O]> },
): Promise<void> {
  const name = target && nameOfTarget(target)
  const ifMatch = name === null ? undefined : tags.get(name)
  const { body } = input
  const { result, etag } = await client.exchange(operation, {
    ...input,
    ...(body && comment !== undefined && { body: { ...(body as object), comment } }), // every body takes one
    ...(ifMatch !== undefined && { ifMatch }),
    idempotencyKey: randomUUID(),
  } as Input<Api[O]>)
  if (name !== null && etag !== null) tags.set(name, etag)
  const written = result as AnyWritten // every write answers these
  for (const [environment, version] of Object.entries(written.versions)) versions.set(environment, version)
  warnings.push(...written.warnings)
}
