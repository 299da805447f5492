import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeShop, production, shop, useKit, type Kit } from '../test-kit.ts'
import { openDatabase } from './database.ts'

interface Table {
  readonly name: string
  readonly org: string
  readonly isPartition: boolean
}

const kit = useKit()
let app: Client
let tables: Table[]
let [acme, rival] = ['', '']

beforeAll(async () => {
  await makeShop(kit)
  await fillTables(kit)
  // What a later daily cron makes must be protected like what the migration made.
  await kit.deps.db.ensureAuditPartitions(new Date(Date.now() + 400 * 86_400_000), 3)
  // `installation` is of no tenant; it has a test of its own.
  tables = await kit.sql<Table>(
    `select relname as name, relispartition as "isPartition",
       case when relname = 'organizations' then 'id' else 'org_id' end as org
     from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> 'installation'
     order by 1`,
  )
  const orgs = await kit.sql<{ id: string }>('select id from organizations order by key')
  ;[acme, rival] = orgs.map(({ id }) => id) as [string, string] // there are two
  app = new Client(kit.database.appUrl)
  await app.connect()
})
afterAll(() => app.end())

/** Writes a row that is given as an object, but for the columns that the database itself makes. */
async function insertionInto(name: string): Promise<string> {
  const [written] = await kit.sql<{ columns: string }>(
    `select string_agg(attname, ', ') as columns from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
    [name],
  )
  const columns = written?.columns
  return `insert into ${name} (${columns}) select ${columns} from jsonb_populate_record(null::${name}, $1)`
}

test('every table and partition has forced row security, and only the policies that it should', async () => {
  const rows = await kit.sql<{ name: string; forced: boolean; policies: Record<string, string>[] }>(
    `select relname as name, relrowsecurity and relforcerowsecurity as forced,
       (select json_agg(json_build_object('name', polname, 'command', polcmd, 'permissive', polpermissive,
          'roles', (select array_agg(rolname order by rolname) from pg_roles where oid = any(polroles)),
          'public', 0 = any(polroles), 'using', pg_get_expr(polqual, polrelid),
          'check', pg_get_expr(polwithcheck, polrelid)) order by polname)
        from pg_policy where polrelid = c.oid) as policies
     from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relname <> 'installation'`,
  )
  expect(rows.length).toBeGreaterThan(29)
  for (const { name, forced, policies } of rows) {
    const rule = `(${name === 'organizations' ? 'id' : 'org_id'} = ( SELECT halyard.current_org() AS current_org))`
    const tenant = {
      command: '*',
      roles: ['halyard_app', 'halyard_owner'],
      public: false,
      using: rule,
      check: rule,
    }
    expect({ name, forced, tenant: policies.find((policy) => policy['name'] === 'tenant') }).toMatchObject({
      name,
      forced: true,
      tenant,
    })
    const others = policies.filter((policy) => policy['name'] !== 'tenant')
    const definer: Record<string, string[]> = {
      api_keys: ['find_key r true'],
      organizations: ['find_key r true'],
      projects: ['find_key r true'],
      environments: ['find_key r true'],
      outbox: ['claim_outbox * true'],
      // Pruning stays inside its tenant.
      state_history: [`prune * ${rule}`],
      environment_versions: [`prune * ${rule}`],
      heads: ['heads_to_verify r true', `prune d ${rule}`],
    }
    const asText = others.map(({ name, command, using }) => `${name} ${command} ${using}`)
    expect({ name, asText }).toEqual({ name, asText: definer[name] ?? [] })
    for (const { roles } of others) expect(roles).toEqual(['halyard_definer'])
  }
})

test('nobody is granted a partition, and there is no view that would read past the policies', async () => {
  const grants = await kit.sql(
    `select relname, grantee::regrole::text as grantee from pg_class, aclexplode(relacl)
     where relispartition and relkind = 'r' and grantee not in (relowner)`,
  )
  expect(grants).toEqual([])
  expect(tables.filter(({ isPartition }) => isPartition).length).toBeGreaterThan(12)
  const others = await kit.sql(
    "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('v', 'm', 'f', 'S')",
  )
  expect(others).toEqual([])
})

test('without a tenant every read of the application raises, also after a pooled setting', async () => {
  for (const setting of [null, '']) {
    if (setting !== null) await app.query("select set_config('app.org_id', $1, false)", [setting])
    for (const { name, isPartition } of tables) {
      const code = isPartition ? /permission denied/ : /app\.org_id is not set/
      await expect(app.query(`select * from ${name}`)).rejects.toThrow(code)
    }
  }
})

test('a tenant sees its own rows of every table, and none of another', async () => {
  await asTenant(acme, async () => {
    for (const { name, org, isPartition } of tables) {
      if (isPartition) continue
      const { rows } = await app.query(`select distinct ${org} as org from ${name}`)
      expect({ name, rows }).toEqual({ name, rows: [{ org: acme }] })
    }
  })
  for (const { name, org, isPartition } of tables.filter((table) => !table.isPartition)) {
    const [both] = await kit.sql<{ n: number }>(`select count(distinct ${org})::int as n from ${name}`)
    expect({ name, isPartition, tenants: both?.n }).toEqual({ name, isPartition: false, tenants: 2 })
  }
})

test('a tenant can neither write rows of another nor give away its own', async () => {
  for (const { name, org, isPartition } of tables) {
    if (isPartition) continue
    const [theirs] = await kit.sql<{ row: object }>(
      `select to_jsonb(t) as row from ${name} t where ${org} = $1`,
      [rival],
    )
    const copy = await insertionInto(name)
    await expect(asTenant(acme, () => app.query(copy, [theirs?.row]))).rejects.toMatchObject({
      code: '42501',
    })
    await expect(
      asTenant(acme, () => app.query(`update ${name} set ${org} = $1`, [rival])),
    ).rejects.toMatchObject({ code: '42501' })
    for (const statement of [
      `update ${name} set ${org} = ${org} where ${org} = $1`,
      `delete from ${name} where ${org} = $1`,
    ]) {
      const done = await asTenant(acme, () => app.query(statement, [rival])).catch(
        (error: { code: string }) => error,
      )
      expect('rowCount' in done ? done.rowCount : done.code).toBeOneOf([0, '42501'])
    }
  }
})

test('no reference leads to another tenant', async () => {
  const references = await kit.sql<{ child: string; parent: string; columns: string[]; targets: string[] }>(
    `select conrelid::regclass::text as child, confrelid::regclass::text as parent,
       (select json_agg(attname order by at) from unnest(conkey) with ordinality k(n, at)
          join pg_attribute on attrelid = conrelid and attnum = n) as columns,
       (select json_agg(attname order by at) from unnest(confkey) with ordinality k(n, at)
          join pg_attribute on attrelid = confrelid and attnum = n) as targets
     from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace and conparentid = 0`,
  )
  expect(references.length).toBeGreaterThan(9)
  for (const { child, parent, columns, targets } of references) {
    expect(columns[0]).toBe('org_id')
    expect(targets[0]).toBe(parent === 'organizations' ? 'id' : 'org_id')
    const [column] = columns.slice(1)
    if (column === undefined) continue
    const [own] = await kit.sql<{ row: object }>(
      `select to_jsonb(t) as row from ${child} t where org_id = $1 and ${column} is not null`,
      [acme],
    )
    const [theirs] = await kit.sql<{ row: Record<string, unknown> }>(
      `select to_jsonb(t) as row from ${parent} t where org_id = $1`,
      [rival],
    )
    const reference = columns.slice(1).map((name, i) => [name, theirs?.row[targets[i + 1] ?? '']])
    const row = { ...own?.row, id: 'new', key: 'new', hash: 'new', ...Object.fromEntries(reference) }
    const insert = await insertionInto(child)
    await expect(asTenant(acme, () => app.query(insert, [row]))).rejects.toMatchObject({ code: '23503' })
  }
})

test('control refuses to serve as a superuser, as the owner, or as a member of the owner', async () => {
  const { appUrl, adminUrl, ownerUrl, gateway } = kit.database
  const check = (url: string) => openDatabase({ url, gateway, waitUntil: () => {} }).checkRole()
  await check(appUrl)
  await expect(check(adminUrl)).rejects.toThrow('bypasses row security')
  await expect(check(ownerUrl)).rejects.toThrow('halyard_owner')
  const role = `member_${Date.now()}`
  await kit.sql(`create role ${role} login password 'p' in role halyard_owner`)
  const url = new URL(appUrl)
  url.username = role
  url.password = 'p'
  await expect(check(url.href)).rejects.toThrow(role)
  await kit.sql(`drop role ${role}`)
})

test('the outbox is claimed across tenants, each environment once in thirty seconds', async () => {
  const { db } = kit.deps
  await kit.sql('update outbox set created_at = now()')
  expect(await db.claimOutbox(100)).toEqual([]) // all younger than five seconds
  await kit.sql("update outbox set created_at = now() - interval '6 seconds'")
  const claimed = await db.claimOutbox(100)
  expect(new Set(claimed.map((row) => row.org_id))).toEqual(new Set([acme, rival]))
  expect(new Set(claimed.map((row) => row.environment_id)).size).toBe(claimed.length)
  expect(await db.claimOutbox(100)).toEqual([])
  await kit.sql("update outbox set claimed_at = now() - interval '31 seconds'")
  expect(await db.claimOutbox(1)).toHaveLength(1)
})

test('what is frozen or waits for its epoch is not claimed, and keeps nobody else waiting', async () => {
  const { db } = kit.deps
  const waitAgain = () =>
    kit.sql("update outbox set claimed_at = null, created_at = now() - interval '6 seconds'")
  await waitAgain()
  const all = await db.claimOutbox(100)
  const [first] = all
  for (const switched of ['frozen_at = now()', 'epoch_required = true']) {
    await kit.sql(`update environments set ${switched} where id = $1`, [first?.environment_id])
    await waitAgain()
    const claimed = await db.claimOutbox(100)
    expect(claimed.map((row) => row.environment_id).toSorted()).toEqual(
      all
        .slice(1)
        .map((row) => row.environment_id)
        .toSorted(),
    )
    await kit.sql('update environments set frozen_at = null, epoch_required = false')
  }
  await kit.sql('update installation set frozen_at = now()')
  await waitAgain()
  expect(await db.claimOutbox(100)).toEqual([])
  await kit.sql('update installation set frozen_at = null')
  expect(await db.claimOutbox(100)).toHaveLength(all.length)
})

test('an environment with many waiting versions does not take the turn of another', async () => {
  const { db } = kit.deps
  await kit.sql(
    `insert into outbox select org_id, id, 7, n, now() - interval '1 day' from environments, generate_series(1, 300) n
     where org_id = $1 and key = 'production'`,
    [acme],
  )
  const waiting = await kit.sql('select distinct environment_id from outbox')
  await kit.sql("update outbox set claimed_at = null, created_at = created_at - interval '6 seconds'")
  const seen = new Set<string>()
  for (let turn = 0; turn < waiting.length; turn++) {
    const [claim] = await db.claimOutbox(1)
    if (claim) seen.add(claim.environment_id)
    await kit.sql("update outbox set claimed_at = claimed_at - interval '31 seconds'")
  }
  expect(seen.size).toBe(waiting.length)
})

async function asTenant<T>(org: string, work: () => Promise<T>): Promise<T> {
  await app.query('begin')
  try {
    await app.query("select set_config('app.org_id', $1, true)", [org])
    return await work()
  } finally {
    await app.query('rollback')
  }
}

/** Rows of both tenants in every table. */
async function fillTables({ ok, sql, rivalToken }: Kit): Promise<void> {
  const theirs = { token: rivalToken }
  await ok('POST', '/orgs/rival/projects', { ...theirs, body: { key: 'shop' } })
  await ok('POST', '/orgs/rival/projects/shop/flags', {
    ...theirs,
    body: { key: 'theirs' },
    headers: { 'idempotency-key': 'k' },
  })
  for (const kind of ['segments', 'layers']) {
    await ok('POST', `/orgs/rival/projects/shop/${kind}`, { ...theirs, body: { key: 'theirs' } })
    await ok('POST', `${shop}/${kind}`, { body: { key: 'ours' } })
  }
  const ndjson = { 'content-type': 'application/x-ndjson' }
  for (const query of ['', '?upload=u&part=1']) {
    const path = `/environments/production/segments/theirs/members${query}`
    await ok('PUT', `/orgs/rival/projects/shop${path}`, { ...theirs, body: '"theirs"', headers: ndjson })
    await ok('PUT', `${production}/segments/ours/members${query}`, { body: '"ours"', headers: ndjson })
  }
  const key = { class: 'server', environment: 'production', name: 'k' }
  await ok('POST', '/orgs/rival/projects/shop/keys', { ...theirs, body: key })
  await ok('POST', `${shop}/keys`, { body: key })
  await ok('POST', `${production}/flags/checkout/toggle`, { headers: { 'idempotency-key': 'k' } })
  await sql(
    `insert into heads (org_id, environment_id, epoch, version, snapshot_hash, access_hash, client_hash, size, compiler, published_at)
     select org_id, id, epoch, version, '', '', '', 0, 1, now() from environments`,
  )
  await sql('insert into usage_batches select org_id, id, id, now() from environments')
  await sql("insert into metrics select org_id, id, 'server', key, now() from environments")
  await sql(
    'insert into metric_rollups select org_id, environment_id, source, name, now(), 1, 1 from metrics',
  )
  await sql(
    `insert into usage_rollups select f.org_id, e.id, f.id, 'on', now(), 1, 1, now()
     from flags f join environments e on e.org_id = f.org_id and e.project_id = f.project_id`,
  )
}
