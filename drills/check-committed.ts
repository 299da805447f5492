import { Client } from 'pg'
import { asc, eq } from 'drizzle-orm'
import type { BareStack } from '../dev/bare-stack.ts'
import { makeHeadVerifier } from '@halyard/shared/protocol/head.ts'
import type { Version } from '@halyard/shared/protocol/version.ts'
import { firstBrokenEntry } from '../workers/control/audit-chain.ts'
import { compile, type Compiled } from '../workers/control/publication/compile.ts'
import { readVersion } from '../workers/control/publication/read-history.ts'
import { openDatabase, type Database } from '../workers/control/store/database.ts'
import { auditEntries, environments, heads } from '../workers/control/store/schema.ts'
import { environmentVersions } from '../workers/control/store/publication-schema.ts'
import type { Operation } from './writer.ts'

export interface Committed {
  readonly auditEntries: number
  readonly versions: number
  /** Published versions that were compiled again. */
  readonly recompiled: number
}

type EnvironmentRow = typeof environments.$inferSelect
type AuditRow = typeof auditEntries.$inferSelect

/** Looks through everything that was committed and published; tells each thing that must not be. */
export async function checkCommitted(
  stack: BareStack,
  operations: readonly Operation[],
  fail: (what: string) => void,
): Promise<Committed> {
  const db = openDatabase({ url: stack.appUrl, gateway: stack.gateway, waitUntil: () => {} })
  const orgId = await findOrganization(stack)
  const [audit, rows, versions, published] = await db.read(orgId, (read) => [
    read.select().from(auditEntries).where(eq(auditEntries.orgId, orgId)).orderBy(asc(auditEntries.sequence)),
    read.select().from(environments).where(eq(environments.orgId, orgId)),
    read
      .select()
      .from(environmentVersions)
      .where(eq(environmentVersions.orgId, orgId))
      .orderBy(asc(environmentVersions.version)),
    read.select().from(heads).where(eq(heads.orgId, orgId)),
  ])
  const broken = await firstBrokenEntry(audit)
  if (broken !== null) fail(`the audit chain breaks at entry ${broken}`)
  checkOperations(operations, audit, fail)
  for (const row of rows) {
    const own = versions.filter(({ environmentId }) => environmentId === row.id).map(({ version }) => version)
    const gap = own.findIndex((version, index) => version !== index + 1)
    if (gap !== -1 || own.length !== row.version)
      fail(`${row.key} is at ${row.version} and has ${own.length} versions; the first gap is at ${gap + 1}`)
    await checkPublished(stack, { db, row }, fail) // oxlint-disable-line no-await-in-loop -- one environment at a time
  }
  for (const head of published) await checkHead(db, head, fail) // oxlint-disable-line no-await-in-loop -- as many as it has versions
  return { auditEntries: audit.length, versions: versions.length, recompiled: published.length }
}

async function findOrganization({ database }: BareStack): Promise<string> {
  const client = new Client(database.superuserUrl())
  await client.connect()
  try {
    return (await client.query('select id from organizations')).rows[0].id
  } finally {
    await client.end()
  }
}

/** Each acknowledged one happened once, and said which versions it made; the others at most once. */
function checkOperations(
  operations: readonly Operation[],
  audit: readonly AuditRow[],
  fail: (what: string) => void,
): void {
  const byComment = Map.groupBy(audit, ({ comment }) => comment)
  for (const { id, versions, refusal } of operations) {
    const entries = byComment.get(id) ?? []
    if (refusal !== null) fail(`${id} was refused: ${refusal}`)
    if (entries.length > 1) fail(`${id} was applied ${entries.length} times`)
    if (versions === null) continue
    const [entry] = entries
    if (!entry) fail(`${id} was acknowledged and is lost`)
    else if (JSON.stringify(sorted(entry.versions)) !== JSON.stringify(sorted(versions)))
      fail(`${id} answered ${JSON.stringify(versions)} and made ${JSON.stringify(entry.versions)}`)
  }
}

/** What readers are given is the compile of the newest committed version. */
async function checkPublished(
  stack: BareStack,
  { db, row }: { readonly db: Database; readonly row: EnvironmentRow },
  fail: (what: string) => void,
): Promise<void> {
  const keys = Object.entries(stack.seed.environments).find(([name]) => name === row.key)?.[1]
  if (!keys) return
  const response = await fetch(`${stack.urls.edge}/v1/ruleset`, {
    headers: { authorization: `Bearer ${keys.serverKey}` },
  })
  if (!response.ok) return fail(`${row.key} gives no ruleset: ${response.status}`)
  const { signedHead, body } = (await response.json()) as { signedHead: string; body: string } // as the edge documents
  const head = await makeHeadVerifier(stack.secrets.trustedKeys)(signedHead)
  const compiled = await recompile(db, { orgId: row.orgId, environmentId: row.id, at: row })
  if (
    head?.version !== row.version ||
    body !== compiled?.body ||
    head.accessHash !== compiled.head.accessHash
  )
    fail(`${row.key} is at ${row.version}, its readers at ${head?.version}, or with another content`)
}

async function checkHead(
  db: Database,
  { orgId, environmentId, epoch, version, ...head }: typeof heads.$inferSelect,
  fail: (what: string) => void,
): Promise<void> {
  const compiled = await recompile(db, { orgId, environmentId, at: { epoch, version } })
  const names = ['snapshotHash', 'accessHash', 'clientHash'] as const
  if (!compiled || names.some((name) => compiled.head[name] !== head[name]))
    fail(
      `${environmentId} ${epoch}.${version} was published with another content than its history compiles to`,
    )
}

interface Place {
  readonly orgId: string
  readonly environmentId: string
  readonly at: Version
}

async function recompile(db: Database, { orgId, environmentId, at }: Place): Promise<Compiled | null> {
  const committed = await readVersion(db, { orgId, environmentId }, at)
  return typeof committed === 'string' ? null : await compile(environmentId, at, committed.rows)
}

function sorted(versions: object): [string, unknown][] {
  return Object.entries(versions).toSorted(([a], [b]) => (a < b ? -1 : 1))
}
