import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { useKit } from '../test-kit.ts'

const kit = useKit()
let app: Client

beforeAll(async () => {
  app = new Client(kit.database.appUrl)
  await app.connect()
})
afterAll(() => app.end())

test('the application may do to each table what it needs, and no more', async () => {
  const rows = await kit.sql<{ name: string; may: string }>(
    `select relname as name, string_agg(left(privilege_type, 1), '' order by privilege_type) as may
     from pg_class, aclexplode(relacl) where relnamespace = 'public'::regnamespace and grantee = 'halyard_app'::regrole
     group by 1 order by 1`,
  )
  // Delete, Insert, Select, Update.
  expect(Object.fromEntries(rows.map(({ name, may }) => [name, may]))).toEqual({
    api_keys: 'ISU',
    audit_entries: 'IS',
    environment_versions: 'IS',
    environments: 'ISU',
    flag_states: 'ISU',
    flags: 'ISU',
    heads: 'IS',
    idempotency_keys: 'DISU',
    installation: 'S',
    layers: 'ISU',
    metric_rollups: 'DISU',
    metrics: 'DISU',
    organizations: 'SU',
    outbox: 'DISU',
    projects: 'ISU',
    segment_blob_parts: 'DISU',
    segment_blobs: 'DISU',
    segment_states: 'ISU',
    segment_upload_parts: 'DISU',
    segment_uploads: 'DISU',
    segments: 'ISU',
    state_history: 'IS',
    usage_batches: 'DISU',
    usage_rollups: 'DISU',
    variants: 'DISU',
  })
  const columns = await kit.sql<{ name: string; columns: string; may: string }>(
    `select attrelid::regclass::text as name, privilege_type as may,
       string_agg(attname, ' ' order by attname) as columns
     from pg_attribute join pg_class on pg_class.oid = attrelid, aclexplode(attacl)
     where relnamespace = 'public'::regnamespace and grantee = 'halyard_app'::regrole group by 1, 2 order by 1`,
  )
  expect(columns).toEqual([
    { name: 'heads', may: 'UPDATE', columns: 'verification verified_at verify_failed_at' },
  ])
})

test('only the functions that must look across tenants do', async () => {
  const definers = await kit.sql(
    `select proname as name, proowner::regrole::text as owner,
       array_to_string(proconfig, ',') like 'search_path=%' as "hasPath" from pg_proc
     where prosecdef and pronamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) order by 1`,
  )
  expect(definers).toEqual([
    { name: 'claim_outbox', owner: 'halyard_definer', hasPath: true },
    // Moves rows between partitions; gives none.
    { name: 'ensure_audit_partitions', owner: 'halyard_owner', hasPath: true },
    { name: 'find_environment', owner: 'halyard_definer', hasPath: true },
    { name: 'find_key', owner: 'halyard_definer', hasPath: true },
    { name: 'heads_to_verify', owner: 'halyard_definer', hasPath: true },
    { name: 'list_organizations', owner: 'halyard_definer', hasPath: true },
    // Prunes within one tenant.
    { name: 'prune_history', owner: 'halyard_definer', hasPath: true },
  ])
  const callable = await kit.sql<{ name: string }>(
    `select proname as name from pg_proc where pronamespace = 'halyard'::regnamespace
       and has_function_privilege('halyard_app', oid, 'execute') order by 1`,
  )
  expect(callable.map(({ name }) => name)).toEqual([
    'claim_outbox',
    'current_org',
    'ensure_audit_partitions',
    'find_environment',
    'find_key',
    'heads_to_verify',
    'list_organizations',
    'prune_history',
  ])
  const anybody = await kit.sql(
    "select proname from pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner))) where pronamespace = 'halyard'::regnamespace and grantee = 0",
  )
  expect(anybody).toEqual([])
})

test('the switches of the installation are read by the application and written by their owner alone', async () => {
  const [table] = await kit.sql<{ forced: boolean; policies: unknown }>(
    `select relrowsecurity and relforcerowsecurity as forced,
       (select json_agg(json_build_array(polname, polcmd, polroles::regrole[]::text[], pg_get_expr(polqual, polrelid),
          pg_get_expr(polwithcheck, polrelid)) order by polname) from pg_policy where polrelid = c.oid) as policies
     from pg_class c where oid = 'installation'::regclass`,
  )
  expect(table).toEqual({
    forced: true,
    policies: [
      ['claim_outbox', 'r', ['halyard_definer'], 'true', null],
      ['operator', '*', ['halyard_owner'], 'true', 'true'],
      ['reader', 'r', ['halyard_app'], 'true', null],
    ],
  })
  expect((await app.query('select id from installation')).rows).toEqual([{ id: true }])
  const writes = [
    'update installation set frozen_at = now()',
    'delete from installation',
    'insert into installation default values',
  ]
  for (const write of writes) await expect(app.query(write)).rejects.toMatchObject({ code: '42501' })
  const owner = new Client(kit.database.ownerUrl)
  await owner.connect()
  expect((await owner.query('update installation set frozen_comment = null')).rowCount).toBe(1)
  await expect(owner.query('insert into installation (id) values (false)')).rejects.toMatchObject({
    code: '23514',
  })
  await owner.end()
})
