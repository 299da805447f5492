ALTER TABLE "heads" ADD COLUMN "verify_failed_at" timestamp (3) with time zone;--> statement-breakpoint
GRANT UPDATE (verify_failed_at) ON heads TO halyard_app;
--> statement-breakpoint
-- Only its owner may replace a function, and to do so needs CREATE on the schema at that moment.
GRANT CREATE ON SCHEMA halyard TO halyard_definer;
--> statement-breakpoint
SET LOCAL ROLE halyard_definer;
--> statement-breakpoint
-- Published versions that were never compiled again, the oldest first, and after them those that could not be. Every fourth
-- is a present one that was not for a day: it gets its turn however many wait.
CREATE OR REPLACE FUNCTION halyard.heads_to_verify(most integer)
RETURNS TABLE (org_id text, environment_id text, epoch integer, version integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
  SELECT listed.org_id, listed.environment_id, listed.epoch, listed.version FROM (
    (SELECT h.org_id, h.environment_id, h.epoch, h.version,
       row_number() OVER (ORDER BY h.verify_failed_at NULLS FIRST, h.published_at) AS turn
     FROM heads h WHERE h.verified_at IS NULL ORDER BY turn LIMIT most)
    UNION ALL
    (SELECT present.org_id, present.environment_id, present.epoch, present.version,
       3 * row_number() OVER (ORDER BY present.tried_at) + 0.5
     FROM environments e CROSS JOIN LATERAL (
       SELECT h.*, greatest(h.verified_at, h.verify_failed_at) AS tried_at FROM heads h
       WHERE h.org_id = e.org_id AND h.environment_id = e.id
       ORDER BY h.epoch DESC, h.version DESC LIMIT 1) present
     WHERE present.verified_at IS NOT NULL AND present.tried_at < now() - interval '1 day'
     ORDER BY 5 LIMIT most)
  ) listed ORDER BY turn LIMIT most
$$;
--> statement-breakpoint
RESET ROLE;
--> statement-breakpoint
REVOKE CREATE ON SCHEMA halyard FROM halyard_definer;
