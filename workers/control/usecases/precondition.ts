import { ProblemError } from '../problem.ts'

/** The entity tag of something at these revisions. */
export function etagOf(...revisions: number[]): string {
  return `"${revisions.join('.')}"`
}

/** Refuses a write whose If-Match names neither the present entity tag nor `*`. */
export function checkIfMatch(ifMatch: string | undefined, etag: string, current: unknown): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return
  const named = ifMatch.split(',').map((tag) => tag.trim())
  if (!named.includes(etag)) throw new ProblemError('precondition_failed', { current, headers: { etag } })
}
