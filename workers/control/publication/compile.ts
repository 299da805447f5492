import type { FlagConfig, Rule, Serve } from '@halyard/shared/engine/model.ts'
import { evaluateAll } from '@halyard/shared/engine/evaluate.ts'
import { formatBody, formatLine, loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import type { AccessKey, AccessRecord } from '@halyard/shared/protocol/access.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { snapshotSchema, snapshotSizeMax, type Head } from '@halyard/shared/protocol/head.ts'
import type { Version } from '@halyard/shared/protocol/version.ts'
import type { FlagRecord, HistoryRow } from '../ports.ts'

/** Rises when the same history would compile to other bytes. */
export const compilerVersion = 1

export interface Compiled {
  readonly body: string
  readonly access: string
  readonly head: Omit<Head, 'kid' | 'time'>
}

/**
 * Compiles an environment at a version from the newest history row of each of its objects. Pure: the same rows give
 * the same bytes, whenever and wherever. Throws if the result would not evaluate or is too large.
 */
export async function compile(
  environment: string,
  at: Version,
  rows: readonly HistoryRow[],
): Promise<Compiled> {
  const flags = rows.filter((row) => row.kind === 'flag').map((row) => row.state as unknown as FlagRecord) // what toRecord wrote
  const keys = rows
    .filter((row) => row.kind === 'key' && row.state !== null)
    .map((row) => row.state as unknown as AccessKey) // what raiseAccess wrote
  const live = flags.filter((flag) => !flag.archived)
  const body = formatBody(live.map(flagLine))
  const clientBody = formatBody(live.filter((flag) => flag.clientVisible).map(flagLine))
  const record: AccessRecord = { environment, keys: keys.toSorted((a, b) => (a.id < b.id ? -1 : 1)) }
  const access = JSON.stringify(record)
  const size = new TextEncoder().encode(body).length
  if (size > snapshotSizeMax)
    throw new Error(`the snapshot of ${environment} is ${size} bytes, more than ${snapshotSizeMax}`)
  probe(environment, body, live)
  const [snapshotHash, accessHash, clientHash] = await Promise.all([
    sha256Hex(body),
    sha256Hex(access),
    sha256Hex(clientBody),
  ])
  const { epoch, version } = at
  const head = {
    environment,
    epoch,
    version,
    snapshotHash,
    accessHash,
    clientHash,
    size,
    schema: snapshotSchema,
    compiler: compilerVersion,
  }
  return { body, access, head }
}

function flagLine(record: FlagRecord): string {
  return formatLine('flag', record.key, JSON.stringify(toConfig(record)))
}

/** Only what evaluation needs, in a fixed order of names: equal flags are equal bytes. */
function toConfig({ valueType, variants, seed, clientVisible, state }: FlagRecord): FlagConfig {
  return {
    valueType,
    variants: variants.map(({ key, value }) => ({ key, value })),
    seed,
    clientVisible,
    enabled: state.enabled,
    offVariant: state.offVariant,
    overrides: state.overrides.map(({ attribute, values, variant }) => ({ attribute, values, variant })),
    rules: state.rules.map(({ id, when, serve }): Rule => ({ id, when, serve: toServe(serve) })),
    fallthrough: toServe(state.fallthrough),
  }
}

function toServe(serve: FlagRecord['state']['fallthrough']): Serve {
  if ('variant' in serve) return { variant: serve.variant }
  const { by, weights, hash } = serve.split
  return {
    split: {
      by,
      weights: weights.map(({ variant, weight }) => ({ variant, weight })),
      ...(hash && { hash }),
    },
  }
}

/** Reads the body back as every reader will: nothing that cannot be evaluated is ever signed. */
function probe(environment: string, body: string, live: readonly FlagRecord[]): void {
  const decisions = evaluateAll(loadSnapshot(body), { targetingKey: 'probe' }, 0)
  const unreadable = decisions.find(
    (decision) => decision.reason === 'ERROR' && decision.errorCode === 'PARSE_ERROR',
  )
  if (unreadable || decisions.length !== live.length) {
    throw new Error(
      `the snapshot of ${environment} does not evaluate: ${unreadable?.key ?? 'a flag is missing'}`,
    )
  }
}
