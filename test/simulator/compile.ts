/** A compiler of a few lines: what the one of control does for thousands of kinds of rows, for three. */
import { formatBody, formatLine } from '@halyard/shared/engine/snapshot.ts'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { snapshotSchema } from '@halyard/shared/protocol/head.ts'
import type { Version } from '@halyard/shared/protocol/version.ts'
import type { HistoryRow } from '../../workers/control/ports.ts'
import type { Compiled } from '../../workers/control/publication/compile.ts'
import { hashNow } from './sealing.ts'

export const environment = 'env_sim'

export interface FlagState {
  readonly key: string
  readonly value: number
  readonly clientVisible: boolean
}

/** Pure: the same rows give the same bytes. */
export function compileRows(at: Version, rows: readonly HistoryRow[]): Compiled {
  const flags = rows.flatMap(({ kind, state }) =>
    kind === 'flag' && state !== null ? [state as unknown as FlagState] : [],
  )
  const keys = rows.flatMap(({ kind, state }) =>
    kind === 'key' && state !== null ? [state as unknown as AccessKey] : [],
  )
  const body = formatBody(flags.map(lineOf))
  const access = JSON.stringify({ environment, keys: keys.toSorted((a, b) => (a.id < b.id ? -1 : 1)) })
  const clientBody = formatBody(flags.filter(({ clientVisible }) => clientVisible).map(lineOf))
  const head = {
    environment,
    ...at,
    snapshotHash: hashNow(body),
    accessHash: hashNow(access),
    clientHash: hashNow(clientBody),
    size: Buffer.byteLength(body),
    schema: snapshotSchema,
    compiler: 1,
  }
  return { body, access, head, samples: [] }
}

function lineOf({ key, value, clientVisible }: FlagState): string {
  return formatLine('flag', key, JSON.stringify({ value, clientVisible }))
}
