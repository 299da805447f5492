-- Roles, row security, append-only tables, audit partitions and the functions that the application may call.
-- Runs as the owner of the tables, which may be an ordinary role with CREATEROLE.

DO $$
BEGIN
  -- The role the control Worker signs in as: owner of nothing, subject to every policy.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'halyard_app') THEN
    CREATE ROLE halyard_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
  -- Owns the two functions that look across tenants, and can do nothing else.
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'halyard_definer') THEN
    CREATE ROLE halyard_definer NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
  EXECUTE format('GRANT halyard_definer TO %I WITH SET TRUE, INHERIT FALSE', current_user);
END $$;
--> statement-breakpoint
CREATE SCHEMA halyard;
--> statement-breakpoint
GRANT USAGE ON SCHEMA halyard, public TO halyard_app, halyard_definer;
--> statement-breakpoint
-- Raises when the setting is missing or empty: after a pooled set_config(…, true) it reads '', not NULL.
CREATE FUNCTION halyard.current_org() RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog
AS $$
DECLARE
  org text := current_setting('app.org_id', true);
BEGIN
  IF org IS NULL OR org = '' THEN
    RAISE EXCEPTION 'app.org_id is not set: no tenant, no rows' USING ERRCODE = '42501';
  END IF;
  RETURN org;
END $$;
--> statement-breakpoint
-- Puts a table under the tenant policy, for the application and the owner alike; any other role sees no row. Every migration that makes a tenant table calls it.
CREATE FUNCTION halyard.protect_table(target regclass, org_column name DEFAULT 'org_id') RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  -- The sub-select is evaluated once a query, not once a row.
  EXECUTE format(
    'CREATE POLICY tenant ON %s TO halyard_app, %I USING (%I = (SELECT halyard.current_org())) WITH CHECK (%I = (SELECT halyard.current_org()))',
    target, current_user, org_column, org_column);
END $$;
--> statement-breakpoint
SELECT halyard.protect_table('organizations', 'id');
--> statement-breakpoint
SELECT halyard.protect_table(name::regclass) FROM unnest(ARRAY[
  'projects', 'environments', 'flags', 'variants', 'flag_states', 'api_keys', 'audit_entries', 'state_history',
  'heads', 'outbox', 'idempotency_keys']) AS name;
--> statement-breakpoint
GRANT SELECT, UPDATE ON organizations TO halyard_app;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON projects, environments, flags, flag_states, api_keys TO halyard_app;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON variants, outbox, idempotency_keys TO halyard_app;
--> statement-breakpoint
GRANT SELECT, INSERT ON audit_entries, state_history, heads TO halyard_app;
--> statement-breakpoint
CREATE FUNCTION halyard.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = '42501';
END $$;
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION halyard.refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION halyard.refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON state_history FOR EACH ROW EXECUTE FUNCTION halyard.refuse_change();
--> statement-breakpoint
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON state_history FOR EACH STATEMENT EXECUTE FUNCTION halyard.refuse_change();
--> statement-breakpoint
-- A partition read directly skips the policies of its parent, so each carries its own and nobody is granted it.
CREATE FUNCTION halyard.seal_partition(target regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog
AS $$
BEGIN
  EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, halyard_app', target);
  PERFORM halyard.protect_table(target);
  EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION halyard.refuse_change()', target);
END $$;
--> statement-breakpoint
CREATE TABLE audit_entries_default PARTITION OF audit_entries DEFAULT;
--> statement-breakpoint
SELECT halyard.seal_partition('audit_entries_default');
--> statement-breakpoint
-- Makes the monthly partitions from the month of `start` to `months` later; gives how many were made.
-- Rows that fell into the default partition meanwhile are taken over: the old default is detached, copied from
-- and dropped, so that nothing is ever updated or deleted in place.
CREATE FUNCTION halyard.ensure_audit_partitions(start timestamptz, months integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
  month date := date_trunc('month', start AT TIME ZONE 'UTC')::date;
  missing date[] := '{}';
  child text;
BEGIN
  IF months < 0 OR months > 36 THEN RAISE EXCEPTION 'months must be between 0 and 36'; END IF;
  PERFORM pg_advisory_xact_lock(hashtext('halyard.ensure_audit_partitions'));
  FOR step IN 0..months LOOP
    IF to_regclass(format('public.audit_entries_%s', to_char(month + make_interval(months => step), 'YYYY_MM'))) IS NULL THEN
      missing := missing || (month + make_interval(months => step))::date;
    END IF;
  END LOOP;
  IF cardinality(missing) = 0 THEN RETURN 0; END IF;

  ALTER TABLE audit_entries DETACH PARTITION audit_entries_default;
  ALTER TABLE audit_entries_default RENAME TO audit_entries_overflow;
  ALTER TABLE audit_entries_overflow NO FORCE ROW LEVEL SECURITY;
  FOREACH month IN ARRAY missing LOOP
    child := format('audit_entries_%s', to_char(month, 'YYYY_MM'));
    EXECUTE format('CREATE TABLE %I (LIKE audit_entries INCLUDING DEFAULTS)', child);
    EXECUTE format('INSERT INTO %I SELECT * FROM audit_entries_overflow WHERE time >= $1 AND time < $2', child)
      USING month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC';
    EXECUTE format('ALTER TABLE audit_entries ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', child,
      month::timestamp AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
    PERFORM halyard.seal_partition(child::regclass);
  END LOOP;
  CREATE TABLE audit_entries_default (LIKE audit_entries INCLUDING DEFAULTS);
  INSERT INTO audit_entries_default SELECT * FROM audit_entries_overflow AS rest WHERE NOT EXISTS (
    SELECT FROM unnest(missing) AS made
    WHERE rest.time >= made::timestamp AT TIME ZONE 'UTC' AND rest.time < (made + interval '1 month') AT TIME ZONE 'UTC');
  ALTER TABLE audit_entries ATTACH PARTITION audit_entries_default DEFAULT;
  PERFORM halyard.seal_partition('audit_entries_default');
  DROP TABLE audit_entries_overflow;
  RETURN cardinality(missing);
END $$;
--> statement-breakpoint
SELECT halyard.ensure_audit_partitions(now(), 12);
--> statement-breakpoint
CREATE POLICY find_key ON api_keys FOR SELECT TO halyard_definer USING (true);
--> statement-breakpoint
CREATE POLICY find_key ON organizations FOR SELECT TO halyard_definer USING (true);
--> statement-breakpoint
CREATE POLICY find_key ON projects FOR SELECT TO halyard_definer USING (true);
--> statement-breakpoint
CREATE POLICY find_key ON environments FOR SELECT TO halyard_definer USING (true);
--> statement-breakpoint
CREATE POLICY claim_outbox ON outbox TO halyard_definer USING (true);
--> statement-breakpoint
GRANT SELECT ON api_keys, organizations, projects, environments, outbox TO halyard_definer;
--> statement-breakpoint
GRANT UPDATE (claimed_at) ON outbox TO halyard_definer;
--> statement-breakpoint
-- Whose key this is: the first look-up of a request, before any tenant is known.
CREATE FUNCTION halyard.find_key(key_hash text)
RETURNS TABLE (org_id text, org_key text, id text, class text, role text, project_id text, project_key text,
  environment_id text, environment_key text, expires_at timestamptz, revoked_at timestamptz, last_used_on date)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
  SELECT k.org_id, o.key, k.id, k.class, k.role, k.project_id, p.key, k.environment_id, e.key, k.expires_at,
    k.revoked_at, k.last_used_on
  FROM api_keys k
  JOIN organizations o ON o.id = k.org_id
  LEFT JOIN projects p ON p.org_id = k.org_id AND p.id = k.project_id
  LEFT JOIN environments e ON e.org_id = k.org_id AND e.id = k.environment_id
  WHERE k.hash = key_hash
$$;
--> statement-breakpoint
-- Environments with committed versions that nobody published for five seconds; each is claimed for thirty.
CREATE FUNCTION halyard.claim_outbox(claims integer)
RETURNS TABLE (org_id text, environment_id text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
  WITH waiting AS (
    SELECT o.org_id, o.environment_id, o.epoch, o.version FROM outbox o
    WHERE o.created_at < now() - interval '5 seconds'
      AND (o.claimed_at IS NULL OR o.claimed_at < now() - interval '30 seconds')
    ORDER BY o.created_at LIMIT claims FOR UPDATE SKIP LOCKED
  ), claimed AS (
    UPDATE outbox o SET claimed_at = now() FROM waiting w
    WHERE o.org_id = w.org_id AND o.environment_id = w.environment_id AND o.epoch = w.epoch AND o.version = w.version
    RETURNING o.org_id, o.environment_id
  )
  SELECT DISTINCT c.org_id, c.environment_id FROM claimed c
$$;
--> statement-breakpoint
-- Before two of them change hands: of a function that one does not own, REVOKE only warns.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA halyard FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION halyard.current_org(), halyard.find_key(text), halyard.claim_outbox(integer),
  halyard.ensure_audit_partitions(timestamptz, integer) TO halyard_app;
--> statement-breakpoint
-- To own a function one needs CREATE on its schema at that moment only.
GRANT CREATE ON SCHEMA halyard TO halyard_definer;
--> statement-breakpoint
ALTER FUNCTION halyard.find_key(text) OWNER TO halyard_definer;
--> statement-breakpoint
ALTER FUNCTION halyard.claim_outbox(integer) OWNER TO halyard_definer;
--> statement-breakpoint
REVOKE CREATE ON SCHEMA halyard FROM halyard_definer;
