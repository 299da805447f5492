/** `segments members upload FILE`: in parts, and on from where it broke off. */
import { createHash, randomUUID } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { limits } from '@halyard/shared/contract/limits.ts'
import type { MemberFormat, Members } from '@halyard/shared/contract/members-endpoints.ts'
import type { Versions } from '@halyard/shared/contract/written.ts'
import type * as z from 'zod'
import { pathOf } from '../arguments.ts'
import type { ApiClient } from '../api-client.ts'
import { CommandError, exitCodes, usageError } from '../command-error.ts'
import { confirmIn } from '../confirm.ts'
import type { WriteOptions } from '../options.ts'
import { printLine, printWritten, visible } from '../output.ts'
import { clientOf, placeOf, type Place } from '../place.ts'
import { makeProgress } from '../progress.ts'
import type { Settings } from '../settings.ts'
import { describeMembers } from './members.ts'

export interface UploadOptions extends WriteOptions {
  readonly format?: MemberFormat
  readonly column?: string
}

type Written = Members & { readonly versions: z.output<typeof Versions> }

interface Job {
  readonly client: ApiClient
  readonly params: Place & { readonly key: string }
  readonly file: FileHandle
  readonly format: MemberFormat
  readonly hashes: readonly string[]
  readonly name: string
  readonly commit: { readonly column?: string; readonly comment?: string }
}

const mediaTypes = { ndjson: 'application/x-ndjson', csv: 'text/csv' } as const
const together = 3

export async function uploadMembers(
  { key, path }: { readonly key: string; readonly path: string },
  options: UploadOptions,
  settings: Settings,
): Promise<void> {
  const { column, comment, yes } = options
  const format = options.format ?? formatOf(path)
  if (column !== undefined && format !== 'csv')
    throw usageError('--column is for a CSV', '--format csv makes it one')
  const client = clientOf(settings)
  const params = { ...placeOf(settings), key }
  const file = await openFile(path)
  try {
    const hashes = await hashParts(file, path)
    if (hashes.length > limits.uploadParts)
      throw usageError(`${path} is too large`, `an upload takes ${limits.uploadParts} MiB`)
    await confirmIn(client, params, { deed: `replace the list of ${visible(key)}`, yes })
    const commit = { ...(column !== undefined && { column }), ...(comment !== undefined && { comment }) }
    const name = nameOf(hashes)
    const members = await run({ client, params, file, format, hashes, name, commit })
    printWritten(members, settings.isJson, () => {
      const version = members.versions[params.environment]
      const at = version === undefined ? 'unchanged' : `version ${version}`
      printLine(`${visible(key)} in ${visible(params.environment)} (${at}): ${describeMembers(members)}`)
    })
  } finally {
    await file.close()
  }
}

/** The same file has the same upload, so that a second run finds what the first one left. */
async function run(job: Job) {
  const { client, params, name, hashes } = job
  const { uploads } = await client.call('getMembers', { params })
  const held = uploads.find(({ upload }) => upload === name)
  if (held?.committed) {
    const done = await commitAgain(job)
    if (done) return done
  }
  const same = new Set(held?.committed ? [] : held?.parts.map(({ part, sha256 }) => `${part} ${sha256}`))
  const wanted = hashes.flatMap((hash, index) => (same.has(`${index + 1} ${hash}`) ? [] : [index + 1]))
  const progress = makeProgress(`uploading ${hashes.length} MiB`, hashes.length)
  progress.advance(hashes.length - wanted.length)
  const next = wanted[Symbol.iterator]()
  const work = async () => {
    // One part after another, of each of a few lines.
    for (const part of next) {
      await sendPart(job, part) // oxlint-disable-line no-await-in-loop
      progress.advance(1)
    }
  }
  try {
    // A list that was committed begins anew with its first part: the others come after it.
    const first = held?.committed ? next.next().value : undefined
    if (first !== undefined) await sendPart(job, first)
    if (first !== undefined) progress.advance(1)
    await Promise.all(Array.from({ length: together }, work))
  } finally {
    progress.end()
  }
  return await commit(job)
}

async function sendPart({ client, params, file, format, hashes, name }: Job, part: number): Promise<void> {
  const data = await readPart(file, part)
  // Beside parts of another state of the file it would make a list that nobody wrote.
  if (hashOf(data) !== hashes[part - 1])
    throw new CommandError(exitCodes.failed, 'the file changed while it was read', [
      'the list is as before; run it again once the file is whole',
    ])
  await client.call('putMembers', {
    params,
    query: { upload: name, part },
    bytes: { mediaType: mediaTypes[format], data },
    idempotencyKey: randomUUID(),
  })
}

async function commit({ client, params, name, hashes, format, commit }: Job) {
  const body = { upload: name, parts: hashes.length, format, ...commit }
  return await client.call('commitMembers', { params, body, idempotencyKey: randomUUID() })
}

/** Answered with what it did if its list still stands; null if another took its place. */
async function commitAgain(job: Job): Promise<(Written & Awaited<ReturnType<typeof commit>>) | null> {
  try {
    return await commit(job)
  } catch (error) {
    if (error instanceof CommandError && error.code === 'upload_changed') return null
    throw error
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(pathOf(path))
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, error: unknown): CommandError {
  return usageError(`${path} cannot be read`, error instanceof Error ? error.message : String(error))
}

async function hashParts(file: FileHandle, path: string): Promise<string[]> {
  const hashes: string[] = []
  for (;;) {
    // One part after another: a list may be half a gigabyte.
    // oxlint-disable-next-line no-await-in-loop
    const data = await readPart(file, hashes.length + 1).catch((error: unknown) => {
      throw unreadable(path, error) // a folder can be opened
    })
    if (data.length === 0 && hashes.length > 0) return hashes
    hashes.push(hashOf(data))
    if (data.length < limits.bodyBytes || hashes.length > limits.uploadParts) return hashes
  }
}

/** From 1 on; shorter, or empty, at the end of the file. */
async function readPart(file: FileHandle, part: number): Promise<Uint8Array<ArrayBuffer>> {
  const data = new Uint8Array(limits.bodyBytes)
  const { bytesRead } = await file.read(data, 0, limits.bodyBytes, (part - 1) * limits.bodyBytes)
  return data.subarray(0, bytesRead)
}

function nameOf(hashes: readonly string[]): string {
  return `cli-${hashOf(hashes.join()).slice(0, 32)}`
}

function hashOf(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

function formatOf(path: string): MemberFormat {
  if (/\.csv$/i.test(path)) return 'csv'
  if (/\.(ndjson|jsonl)$/i.test(path)) return 'ndjson'
  throw usageError(`what is in ${path}?`, 'give --format ndjson or --format csv')
}
