CREATE TABLE "environment_versions" (
	"org_id" text NOT NULL,
	"environment_id" text NOT NULL,
	"epoch" integer NOT NULL,
	"version" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"actor" text NOT NULL,
	"audit_sequence" integer NOT NULL,
	CONSTRAINT "environment_versions_org_id_environment_id_epoch_version_pk" PRIMARY KEY("org_id","environment_id","epoch","version")
);
--> statement-breakpoint
CREATE TABLE "installation" (
	"id" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"frozen_at" timestamp (3) with time zone,
	"frozen_comment" text
);
--> statement-breakpoint
CREATE TABLE "usage_batches" (
	"org_id" text NOT NULL,
	"environment_id" text NOT NULL,
	"id" text NOT NULL,
	"received_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "usage_batches_org_id_environment_id_id_pk" PRIMARY KEY("org_id","environment_id","id")
);
--> statement-breakpoint
CREATE TABLE "usage_rollups" (
	"org_id" text NOT NULL,
	"environment_id" text NOT NULL,
	"flag_id" text NOT NULL,
	"variant" text NOT NULL,
	"hour" timestamp (3) with time zone NOT NULL,
	"evaluations" bigint NOT NULL,
	"deliveries" bigint NOT NULL,
	"last_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "usage_rollups_org_id_environment_id_flag_id_hour_variant_pk" PRIMARY KEY("org_id","environment_id","flag_id","hour","variant")
);
--> statement-breakpoint
ALTER TABLE "environments" ADD COLUMN "frozen_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "environments" ADD COLUMN "frozen_comment" text;--> statement-breakpoint
ALTER TABLE "environments" ADD COLUMN "history_epoch" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "environments" ADD COLUMN "history_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "heads" ADD COLUMN "kid" text;--> statement-breakpoint
ALTER TABLE "heads" ADD COLUMN "sample_hash" text;--> statement-breakpoint
ALTER TABLE "heads" ADD COLUMN "verified_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "heads" ADD COLUMN "verification" text;--> statement-breakpoint
ALTER TABLE "environment_versions" ADD CONSTRAINT "environment_versions_org_id_environment_id_environments_org_id_id_fk" FOREIGN KEY ("org_id","environment_id") REFERENCES "public"."environments"("org_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_batches" ADD CONSTRAINT "usage_batches_org_id_environment_id_environments_org_id_id_fk" FOREIGN KEY ("org_id","environment_id") REFERENCES "public"."environments"("org_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_rollups" ADD CONSTRAINT "usage_rollups_org_id_environment_id_environments_org_id_id_fk" FOREIGN KEY ("org_id","environment_id") REFERENCES "public"."environments"("org_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "usage_rollups" ADD CONSTRAINT "usage_rollups_org_id_flag_id_flags_org_id_id_fk" FOREIGN KEY ("org_id","flag_id") REFERENCES "public"."flags"("org_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
SELECT halyard.protect_table(name::regclass) FROM unnest(ARRAY[
  'environment_versions', 'usage_batches', 'usage_rollups']) AS name;
--> statement-breakpoint
GRANT SELECT, INSERT ON environment_versions TO halyard_app;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON usage_rollups, usage_batches TO halyard_app;
--> statement-breakpoint
GRANT UPDATE (verified_at, verification) ON heads TO halyard_app;
--> statement-breakpoint
-- Of no tenant: whoever owns the installation writes it, the application reads it.
ALTER TABLE installation ENABLE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE installation FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
DO $$
BEGIN
  EXECUTE format('CREATE POLICY operator ON installation TO %I USING (true) WITH CHECK (true)', current_user);
END $$;
--> statement-breakpoint
CREATE POLICY reader ON installation FOR SELECT TO halyard_app USING (true);
--> statement-breakpoint
GRANT SELECT ON installation TO halyard_app;
--> statement-breakpoint
ALTER TABLE installation ADD CONSTRAINT installation_one_row CHECK (id);
--> statement-breakpoint
INSERT INTO installation DEFAULT VALUES;
--> statement-breakpoint
-- Which tenant an environment is of: what comes from a queue says its environment only.
CREATE FUNCTION halyard.find_environment(environment_id text)
RETURNS TABLE (org_id text, project_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
  SELECT e.org_id, e.project_id FROM environments e WHERE e.id = environment_id
$$;
--> statement-breakpoint
-- Every tenant, for work that goes through all of them, such as the daily pruning of history.
CREATE FUNCTION halyard.list_organizations()
RETURNS TABLE (org_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
  SELECT o.id FROM organizations o ORDER BY o.id
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION halyard.find_environment(text), halyard.list_organizations() FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION halyard.find_environment(text), halyard.list_organizations() TO halyard_app;
--> statement-breakpoint
GRANT CREATE ON SCHEMA halyard TO halyard_definer;
--> statement-breakpoint
ALTER FUNCTION halyard.find_environment(text) OWNER TO halyard_definer;
--> statement-breakpoint
ALTER FUNCTION halyard.list_organizations() OWNER TO halyard_definer;
--> statement-breakpoint
REVOKE CREATE ON SCHEMA halyard FROM halyard_definer;
--> statement-breakpoint
-- The owner is under the policies too: for this one statement it is not.
ALTER TABLE state_history NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE heads NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE environment_versions NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE environments NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
-- Versions from before they were listed: when they were published is all that is known. An epoch has no gaps, but not
-- every version of it changed an object or was published.
INSERT INTO environment_versions (org_id, environment_id, epoch, version, created_at, actor, audit_sequence)
SELECT e.org_id, e.environment_id, e.epoch, v.version, coalesce(p.published_at, now()), 'unknown', 0
FROM (
  SELECT org_id, environment_id, epoch, min(version) AS lowest, max(version) AS highest FROM (
    SELECT org_id, environment_id, epoch, version FROM state_history
    UNION ALL SELECT org_id, environment_id, epoch, version FROM heads
    UNION ALL SELECT org_id, id, epoch, version FROM environments WHERE version > 0
  ) known GROUP BY 1, 2, 3
) e
CROSS JOIN LATERAL generate_series(CASE e.epoch WHEN 1 THEN 1 ELSE e.lowest END, e.highest) AS v (version)
LEFT JOIN heads p ON p.org_id = e.org_id AND p.environment_id = e.environment_id AND p.epoch = e.epoch AND p.version = v.version;
--> statement-breakpoint
ALTER TABLE environments FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE state_history FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE heads FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
ALTER TABLE environment_versions FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
-- The control of before, which goes on while the tables are already these, lists no version: then its commit does.
CREATE FUNCTION halyard.list_version() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
  INSERT INTO environment_versions (org_id, environment_id, epoch, version, created_at, actor, audit_sequence)
  SELECT e.org_id, e.id, e.epoch, e.version, now(), 'unknown', 0 FROM environments e
  WHERE e.org_id = NEW.org_id AND e.id = NEW.id AND e.version > 0
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION halyard.list_version() FROM PUBLIC;
--> statement-breakpoint
CREATE CONSTRAINT TRIGGER list_version AFTER UPDATE OF version ON environments
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION halyard.list_version();
