-- Publishing can be switched off: what is frozen keeps its rows in the outbox, and nobody else waits behind them.

CREATE POLICY claim_outbox ON installation FOR SELECT TO halyard_definer USING (true);
--> statement-breakpoint
GRANT SELECT ON installation TO halyard_definer;
--> statement-breakpoint
-- Only its owner may replace a function, and to do so needs CREATE on the schema at that moment.
GRANT CREATE ON SCHEMA halyard TO halyard_definer;
--> statement-breakpoint
SET LOCAL ROLE halyard_definer;
--> statement-breakpoint
-- Environments with committed versions that nobody published for five seconds, whichever was claimed longest ago first;
-- each is claimed for thirty seconds. Left out: what is frozen, and what must have its epoch raised first.
CREATE OR REPLACE FUNCTION halyard.claim_outbox(claims integer)
RETURNS TABLE (org_id text, environment_id text)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
  WITH waiting AS (
    SELECT o.org_id, o.environment_id FROM outbox o
    JOIN environments e ON e.org_id = o.org_id AND e.id = o.environment_id
    WHERE e.frozen_at IS NULL AND NOT e.epoch_required
      AND NOT EXISTS (SELECT FROM installation i WHERE i.frozen_at IS NOT NULL)
    GROUP BY o.org_id, o.environment_id
    HAVING min(o.created_at) < now() - interval '5 seconds'
      AND (max(o.claimed_at) IS NULL OR max(o.claimed_at) < now() - interval '30 seconds')
    ORDER BY max(o.claimed_at) NULLS FIRST, min(o.created_at) LIMIT claims
  ), locked AS (
    SELECT o.org_id, o.environment_id, o.epoch, o.version FROM outbox o JOIN waiting w USING (org_id, environment_id)
    WHERE o.claimed_at IS NULL OR o.claimed_at < now() - interval '30 seconds'
    FOR UPDATE OF o SKIP LOCKED
  ), claimed AS (
    UPDATE outbox o SET claimed_at = now() FROM locked l
    WHERE o.org_id = l.org_id AND o.environment_id = l.environment_id AND o.epoch = l.epoch AND o.version = l.version
    RETURNING o.org_id, o.environment_id
  )
  SELECT DISTINCT c.org_id, c.environment_id FROM claimed c
$$;
--> statement-breakpoint
RESET ROLE;
--> statement-breakpoint
REVOKE CREATE ON SCHEMA halyard FROM halyard_definer;
--> statement-breakpoint
-- The operator, who owns the tables and is under their policies too, goes through all tenants one by one.
DO $$
DECLARE
  operator name := current_user;
BEGIN
  SET LOCAL ROLE halyard_definer;
  EXECUTE format('GRANT EXECUTE ON FUNCTION halyard.list_organizations(), halyard.find_environment(text), halyard.heads_to_verify(integer) TO %I', operator);
  RESET ROLE;
END $$;
