import { and, eq, lt, sql } from 'drizzle-orm'
import { base64url } from 'jose'
import type { Actor, Idempotency } from '../ports.ts'
import { ProblemError } from '../problem.ts'
import type { Tx } from '../store/database.ts'
import { idempotencyKeys } from '../store/schema.ts'

const ivLength = 12

/**
 * Takes the Idempotency-Key of a request inside its transaction. A request that runs at the same time waits here until
 * the first has committed, and then gets its answer; if the first was rolled back, it runs itself.
 */
export async function claimIdempotency<T>(tx: Tx, actor: Actor): Promise<{ answer: T } | null> {
  const { idempotency, orgId } = actor
  if (!idempotency) return null
  const { id, requestHash } = idempotency
  const inserted = await tx
    .insert(idempotencyKeys)
    .values({ orgId, id, requestHash })
    .onConflictDoNothing()
    .returning({ id: idempotencyKeys.id })
  if (inserted.length > 0) return null
  const [row] = await tx
    .select()
    .from(idempotencyKeys)
    .where(and(eq(idempotencyKeys.orgId, orgId), eq(idempotencyKeys.id, id)))
  if (!row?.answer) throw new ProblemError('idempotency_in_progress', { headers: { 'retry-after': '1' } })
  if (row.requestHash !== requestHash) throw new ProblemError('idempotency_key_reused')
  return { answer: await decryptAnswer<T>(idempotency, row.answer) }
}

/** Stores the answer, encrypted, in the same transaction: it exists exactly if the change does. Kept for a day. */
export async function keepAnswer(tx: Tx, actor: Actor, answer: unknown): Promise<void> {
  const { idempotency, orgId } = actor
  if (!idempotency) return
  const iv = crypto.getRandomValues(new Uint8Array(ivLength))
  const text = new TextEncoder().encode(JSON.stringify(answer))
  const sealed = new Uint8Array(
    await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, idempotency.encryptionKey, text),
  )
  await tx
    .update(idempotencyKeys)
    .set({ answer: base64url.encode(iv) + '.' + base64url.encode(sealed) })
    .where(and(eq(idempotencyKeys.orgId, orgId), eq(idempotencyKeys.id, idempotency.id)))
  // Here, because the organization's row is locked by now: two writes never wait for each other's old keys.
  await tx
    .delete(idempotencyKeys)
    .where(
      and(eq(idempotencyKeys.orgId, orgId), lt(idempotencyKeys.createdAt, sql`now() - interval '1 day'`)),
    )
}

async function decryptAnswer<T>({ encryptionKey }: Idempotency, answer: string): Promise<T> {
  const [iv = '', sealed = ''] = answer.split('.')
  const algorithm = { name: 'AES-GCM', iv: new Uint8Array(base64url.decode(iv)) }
  const text = await crypto.subtle.decrypt(algorithm, encryptionKey, new Uint8Array(base64url.decode(sealed)))
  return JSON.parse(new TextDecoder().decode(text)) as T // what keepAnswer wrote for the same operation
}
