/** What is checked of everything that is offered, whatever its source. */
import { accessLengthMax } from '@halyard/shared/protocol/access.ts'
import { snapshotSchema, snapshotSizeMax, type Head } from '@halyard/shared/protocol/head.ts'
import type { View, ViewPorts } from './view-state.ts'

export type VerifyPorts = Pick<ViewPorts, 'verify' | 'hash' | 'report' | 'now'>

/**
 * A head from further in the future is a mistake of its signer. Not minutes: heads are ordered by their versions alone,
 * and a clock that is a little wrong must not hold back a kill switch.
 */
export const futureMaxMs = 24 * 3_600_000

const encoder = new TextEncoder()

/** The head, if it is signed by a trusted key, is of this environment, of a schema that is understood and of today. */
export async function verifiedHead(view: View, signedHead: string, ports: VerifyPorts): Promise<Head | null> {
  const head = await ports.verify(signedHead)
  const fault = head ? faultOf(head, view, ports.now()) : 'that nobody trusted signed'
  if (fault === null) return head
  refuse(view, `a head ${fault}`, ports)
  return null
}

export async function isBodyOf(head: Head, body: string, ports: VerifyPorts): Promise<boolean> {
  if (body.length > snapshotSizeMax || (await ports.hash(body)) !== head.snapshotHash) return false
  return encoder.encode(body).length === head.size
}

export async function isAccessOf(head: Head, text: string, ports: VerifyPorts): Promise<boolean> {
  return text.length <= accessLengthMax && (await ports.hash(text)) === head.accessHash
}

/** Counts what was offered and not taken. */
export function refuse(view: View, what: string, ports: Pick<VerifyPorts, 'report'>): 'refused' {
  view.refusedCount += 1
  ports.report(view.environment, `refused ${what}`)
  return 'refused'
}

function faultOf(head: Head, { environment }: View, now: number): string | null {
  if (head.environment !== environment) return 'of another environment'
  if (head.schema > snapshotSchema) return 'of a newer schema'
  if (head.size > snapshotSizeMax) return 'of a body that is too large'
  if (head.time > now + futureMaxMs) return 'from the future'
  return null
}
