import type { Context } from 'hono'
import type * as z from 'zod'
import { fieldErrors } from '@halyard/shared/checks/field-errors.ts'
import { issueText } from '@halyard/shared/checks/issue-text.ts'
import { isStorable, storageError, unstorable } from '@halyard/shared/checks/storage-error.ts'
import type { WrongField } from '@halyard/shared/checks/wrong-field.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import { ProblemError } from '../problem.ts'

const errorsMax = 100

/** The text of a body that is JSON by its own word, of a size that is allowed. */
export async function readText(c: Context): Promise<string> {
  const bytes = await readBounded(c)
  const type = c.req.header('content-type') ?? ''
  if (bytes.length > 0 && !/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type))
    throw new ProblemError('unsupported_media_type', { detail: 'send Content-Type: application/json' })
  try {
    // A lenient decoder would store other characters than were sent.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    throw new ProblemError('malformed_json', { detail: 'is not UTF-8' })
  }
}

/** A body that is taken as it is. */
export interface Bytes {
  readonly content: Uint8Array<ArrayBuffer>
  /** One of the media types that the endpoint takes. */
  readonly type: string
}

/** The bytes of a body of one of these media types, of a size that is allowed. */
export async function readBytes(c: Context, types: readonly string[]): Promise<Bytes> {
  const content = await readBounded(c)
  const [named = ''] = (c.req.header('content-type') ?? '').split(';')
  const type = types.find((one) => one === named.trim().toLowerCase())
  if (type === undefined) {
    throw new ProblemError('unsupported_media_type', { detail: `send Content-Type: ${types.join(' or ')}` })
  }
  return { content, type }
}

/** Parses and checks a body. An empty one counts as `{}`. */
export function parseBody<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
  let value: unknown
  try {
    value = JSON.parse(text === '' ? '{}' : text)
  } catch (cause) {
    throw new ProblemError('malformed_json', {
      detail: cause instanceof Error ? cause.message : 'cannot be parsed',
    })
  }
  const stored = storageError(value)
  if (stored) throw new ProblemError('invalid_input', { errors: [stored] })
  return check(schema, value)
}

/** Checks the query of an address. */
export function parseQuery<Schema extends z.ZodObject>(
  schema: Schema,
  query: Record<string, string>,
): z.output<Schema> {
  for (const [name, value] of Object.entries(query)) {
    if (!isStorable(name) || !isStorable(value))
      throw new ProblemError('invalid_input', { errors: [{ pointer: name, detail: unstorable }] })
  }
  const names = Object.keys(schema.shape)
  const allowed = names.length === 0 ? 'this address takes none' : `there is ${names.join(', ')}`
  return check(schema, query, ({ pointer, ...field }) => ({
    ...field,
    pointer: pointer.slice(1),
    ...(field.code === 'unknown_field' && { detail: `is no parameter of this query; ${allowed}` }),
  }))
}

/** Checks a value against its schema; every field that is wrong is named. */
export function check<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  name: (field: WrongField) => WrongField = (field) => field,
): z.output<Schema> {
  const result = schema.safeParse(value, { error: issueText })
  if (result.success) return result.data
  throw new ProblemError('invalid_input', {
    errors: fieldErrors(result.error.issues, value).slice(0, errorsMax).map(name),
  })
}

async function readBounded(c: Context): Promise<Uint8Array<ArrayBuffer>> {
  const max = limits.bodyBytes
  const tooLarge = new ProblemError('body_too_large', { detail: `at most ${max} bytes` })
  if (Number(c.req.header('content-length') ?? 0) > max) throw tooLarge
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of c.req.raw.body ?? []) {
    size += chunk.byteLength
    if (size > max) throw tooLarge
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}
