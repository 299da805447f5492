import { ProblemError } from '../problem.ts'

/** The entity tag of something at these revisions. */
export function etagOf(...revisions: number[]): string {
  return `"${revisions.join('.')}"`
}

/** Whether a list of entity tags names this one. A proxy that compresses makes a strong tag weak: both count. */
export function namesTag(list: string, etag: string): boolean {
  return list.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}

/** Refuses a write whose If-Match names neither the present entity tag nor `*`. */
export function checkIfMatch(ifMatch: string | undefined, etag: string, current: unknown): void {
  if (ifMatch === undefined || ifMatch.trim() === '*') return
  if (!namesTag(ifMatch, etag)) throw new ProblemError('precondition_failed', { current, headers: { etag } })
}
