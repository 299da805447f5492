/** A shop whose production is published to the hub's own checks and decisions, for tests. */
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { beforeAll, beforeEach } from 'vitest'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { makeHeadVerifier, signHead, type Head } from '@halyard/shared/protocol/head.ts'
import type { Publication, PublishAnswer } from '@halyard/shared/protocol/hub.ts'
import type { Version } from '@halyard/shared/protocol/version.ts'
import { checkPublication, isBlobLength } from '../../hub/check-publication.ts'
import { judge } from '../../hub/decide.ts'
import type { EnvironmentScope } from '../ports.ts'
import { makeShop, production, useKit } from '../test-kit.ts'
import { compile, compilerVersion } from './compile.ts'
import { openPublicationStore } from './publication-store.ts'
import { publish, type PublishDeps } from './publish.ts'
import { sampleHash } from './sample.ts'
import { flag } from './test-history.ts'

/** The hub's own checks and decisions, on a head kept in memory. */
export interface TestHub {
  held: Head | null
  readonly verdicts: string[]
  /** What happens between the publisher's next read and the hub's decision, and before each of them. */
  beforeJudging: (() => Promise<unknown>) | null
  beforeEach: ((hub: TestHub) => Promise<unknown>) | null
  readonly blobs: Map<string, Uint8Array>
  readonly api: PublishDeps['hub']
  /** Whom it trusts. */
  verify: PublishDeps['verify']
}

/** A compiler of the next version, which gives other bytes. */
export const nextCompiler: PublishDeps['compile'] = async (environment, at, rows) => {
  const { head, ...compiled } = await compile(environment, at, [...rows, flag('of-the-next-compiler')])
  return { ...compiled, head: { ...head, compiler: compilerVersion + 1 } }
}

/** Before each test the hub is empty again. */
export function usePublication() {
  const kit = useKit()
  const held = {} as { scope: EnvironmentScope; hub: TestHub; privateJwk: JWK; verify: PublishDeps['verify'] } // filled before any test runs
  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
    held.privateJwk = { ...(await exportJWK(privateKey)), kid: 'one' }
    held.verify = makeHeadVerifier([{ ...(await exportJWK(publicKey)), kid: 'one' }])
    await makeShop(kit)
    const [row] = await kit.sql<EnvironmentScope>(
      `select org_id as "orgId", id as "environmentId" from environments where key = 'production'`,
    )
    if (!row) throw new Error('the shop has a production')
    held.scope = row
  })
  beforeEach(() => {
    held.hub = makeHub(held.verify)
  })
  const deps = (): PublishDeps => ({
    store: openPublicationStore(kit.deps),
    hub: held.hub.api,
    nowMs: kit.deps.nowMs,
    compile,
    sample: sampleHash,
    sign: (head) => signHead(head, held.privateJwk),
    verify: held.verify,
  })
  const one = async <Row>(query: string): Promise<Row | undefined> =>
    (await kit.sql<Row>(query, [held.scope.environmentId]))[0]
  return {
    kit,
    held,
    deps,
    run: (changes: Partial<PublishDeps> = {}) => publish({ ...deps(), ...changes }, held.scope),
    toggle: () => kit.ok('POST', `${production}/flags/checkout/toggle`),
    present: async () =>
      (await one<Version>('select epoch, version from environments where id = $1')) ?? {
        epoch: 0,
        version: 0,
      },
    isEpochRequired: async () =>
      (await one<{ is: boolean }>('select epoch_required as is from environments where id = $1'))?.is ??
      false,
    waiting: async () => {
      const rows = await kit.sql<{ version: number }>(
        'select version from outbox where environment_id = $1 order by 1',
        [held.scope.environmentId],
      )
      return rows.map(({ version }) => version)
    },
    /** Takes the newest version out of the database, as a restored backup lacks it. */
    goBack: () => goBack(kit, held.scope.environmentId),
  }
}

async function goBack({ sql }: ReturnType<typeof useKit>, id: string): Promise<void> {
  await sql('update environments set version = version - 1 where id = $1', [id])
  await sql('set session_replication_role = replica') // history is append-only
  for (const table of ['state_history', 'environment_versions', 'heads', 'outbox'])
    await sql(
      `delete from ${table} where environment_id = $1 and version > (select version from environments where id = $1)`,
      [id],
    )
  await sql('set session_replication_role = origin')
}

function makeHub(verify: PublishDeps['verify']): TestHub {
  let signed: string | null = null
  const hub: TestHub = {
    held: null,
    verdicts: [],
    beforeJudging: null,
    beforeEach: null,
    blobs: new Map(),
    verify,
    api: {
      async storeBlob(_: string, hash: string, bytes: Uint8Array<ArrayBuffer>) {
        if (!isBlobLength(bytes.length) || (await sha256Hex(bytes)) !== hash) return 'refused'
        hub.blobs.set(hash, bytes)
        return 'stored'
      },
      async publish(_: string, publication: Publication): Promise<PublishAnswer> {
        const { beforeJudging } = hub
        hub.beforeJudging = null
        await beforeJudging?.()
        await hub.beforeEach?.(hub)
        const checked = await checkPublication(publication, { verify: hub.verify, hash: sha256Hex })
        if (checked.kind === 'refused')
          return { outcome: 'refused', reason: checked.reason, signedHead: null }
        const verdict = judge(hub.held, checked.head)
        const hashes = checked.blobs.filter((hash) => !hub.blobs.has(hash))
        if (verdict === 'apply' && hashes.length > 0) return { outcome: 'missing_blobs', hashes }
        hub.verdicts.push(verdict)
        if (verdict === 'apply') {
          hub.held = checked.head
          signed = publication.signedHead
        }
        const signedHead = signed ?? ''
        return verdict === 'behind' || verdict === 'conflict'
          ? { outcome: 'refused', reason: verdict, signedHead }
          : { outcome: verdict === 'apply' ? 'applied' : 'unchanged', signedHead }
      },
    },
  }
  return hub
}
