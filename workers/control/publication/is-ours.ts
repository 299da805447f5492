import type { Head } from '@halyard/shared/protocol/head.ts'
import type { EnvironmentScope } from '../ports.ts'
import type { Compiled } from './compile.ts'
import type { PublishDeps } from './publish.ts'

/** How far the clock of who signed may be behind that of who committed. A restore takes longer. */
const skewMs = 60_000

/**
 * Whether the hub's head is of a version that this database committed. If not, the database went back: the hub only
 * holds what was committed before, and this is read after it was asked. `compiled` is of the compiler of now.
 */
export async function isOurs(
  { store, compile }: Pick<PublishDeps, 'store' | 'compile'>,
  scope: EnvironmentScope,
  { atHub, compiled }: { readonly atHub: Head; readonly compiled: Compiled },
): Promise<boolean> {
  const known = await store.readKnown(scope, atHub)
  if (known === null) return false
  const { published } = known
  if (published?.compiler === atHub.compiler) return isSame(published, atHub)
  // The hub took it, and nobody lived to note that. Bytes of another compiler say nothing, but when they were signed does.
  if (atHub.compiler !== compiled.head.compiler) return known.committedAt <= atHub.time + skewMs
  const again = await compile(scope.environmentId, atHub, known.rows)
  return isSame(again.head, atHub)
}

type Hashes = Pick<Head, 'snapshotHash' | 'accessHash'>

function isSame(one: Hashes, other: Hashes): boolean {
  return one.snapshotHash === other.snapshotHash && one.accessHash === other.accessHash
}
