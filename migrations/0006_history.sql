-- How much of history is kept, and how it is checked against what was published.

-- What waits to be verified; the newest head of an environment is found by the primary key.
CREATE INDEX heads_unverified ON heads (published_at) WHERE verified_at IS NULL;
--> statement-breakpoint
-- The list that a segment's state names, so that nobody has to read whole states for it. It is told from the text that
-- was written: the operators of json refuse strings that json itself allows. Inside of a string no quote is bare, and no
-- other member of a segment's state is called "hash".
ALTER TABLE state_history ADD COLUMN blob text
  GENERATED ALWAYS AS (CASE WHEN kind = 'segment' THEN substring(state::text FROM '"hash"\s*:\s*"([0-9a-f]{64})"') END) STORED;
--> statement-breakpoint
ALTER TABLE segment_states ADD COLUMN blob text
  GENERATED ALWAYS AS (substring(state::text FROM '"hash"\s*:\s*"([0-9a-f]{64})"')) STORED;
--> statement-breakpoint
CREATE INDEX state_history_blobs ON state_history (org_id, blob) WHERE blob IS NOT NULL;
--> statement-breakpoint
CREATE INDEX segment_states_blobs ON segment_states (org_id, blob) WHERE blob IS NOT NULL;
--> statement-breakpoint
-- History stays append-only for everybody but the one function that prunes it: nobody can sign in as its owner.
DROP TRIGGER append_only ON state_history;
--> statement-breakpoint
CREATE TRIGGER append_only BEFORE UPDATE ON state_history FOR EACH ROW EXECUTE FUNCTION halyard.refuse_change();
--> statement-breakpoint
CREATE TRIGGER pruned_only BEFORE DELETE ON state_history FOR EACH ROW
  WHEN (current_user <> 'halyard_definer') EXECUTE FUNCTION halyard.refuse_change();
--> statement-breakpoint
CREATE POLICY prune ON state_history TO halyard_definer USING (org_id = (SELECT halyard.current_org()));
--> statement-breakpoint
CREATE POLICY prune ON environment_versions TO halyard_definer USING (org_id = (SELECT halyard.current_org()));
--> statement-breakpoint
CREATE POLICY prune ON heads FOR DELETE TO halyard_definer USING (org_id = (SELECT halyard.current_org()));
--> statement-breakpoint
CREATE POLICY heads_to_verify ON heads FOR SELECT TO halyard_definer USING (true);
--> statement-breakpoint
GRANT SELECT, DELETE ON state_history, environment_versions, heads TO halyard_definer;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION halyard.current_org() TO halyard_definer;
--> statement-breakpoint
-- Drops what no kept version of an environment needs, and gives the oldest version that is kept; no row if all are.
-- Kept are all versions that were in force within the last 90 days, the newest 1,000, and what was published last: no
-- caller has a say in that. The caller holds the lock of the organization, so that no change is under way.
CREATE FUNCTION halyard.prune_history(environment text)
RETURNS TABLE (epoch integer, version integer, pruned bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  org text := halyard.current_org();
  oldest record;
  candidate record;
  deleted bigint;
BEGIN
  SELECT v.epoch, v.version INTO oldest FROM environment_versions v
  WHERE v.org_id = org AND v.environment_id = environment AND v.created_at <= now() - interval '90 days'
  ORDER BY v.epoch DESC, v.version DESC LIMIT 1;
  IF NOT FOUND THEN RETURN; END IF;
  SELECT v.epoch, v.version INTO candidate FROM environment_versions v
  WHERE v.org_id = org AND v.environment_id = environment
  ORDER BY v.epoch DESC, v.version DESC OFFSET 999 LIMIT 1;
  IF NOT FOUND THEN RETURN; END IF;
  IF (candidate.epoch, candidate.version) < (oldest.epoch, oldest.version) THEN oldest := candidate; END IF;
  SELECT h.epoch, h.version INTO candidate FROM heads h
  WHERE h.org_id = org AND h.environment_id = environment
  ORDER BY h.epoch DESC, h.version DESC LIMIT 1;
  IF FOUND AND (candidate.epoch, candidate.version) < (oldest.epoch, oldest.version) THEN oldest := candidate; END IF;

  -- Of each object the newest state at or below the oldest kept version is still part of it.
  DELETE FROM state_history h USING (
    SELECT DISTINCT ON (s.kind, s.object_id) s.kind, s.object_id, s.epoch, s.version FROM state_history s
    WHERE s.org_id = org AND s.environment_id = environment AND (s.epoch, s.version) <= (oldest.epoch, oldest.version)
    ORDER BY s.kind, s.object_id, s.epoch DESC, s.version DESC
  ) needed
  WHERE h.org_id = org AND h.environment_id = environment AND h.kind = needed.kind AND h.object_id = needed.object_id
    AND (h.epoch, h.version) < (needed.epoch, needed.version);
  GET DIAGNOSTICS deleted = ROW_COUNT;
  DELETE FROM environment_versions v
  WHERE v.org_id = org AND v.environment_id = environment AND (v.epoch, v.version) < (oldest.epoch, oldest.version);
  DELETE FROM heads h
  WHERE h.org_id = org AND h.environment_id = environment AND (h.epoch, h.version) < (oldest.epoch, oldest.version);
  RETURN QUERY SELECT oldest.epoch, oldest.version, deleted;
END $$;
--> statement-breakpoint
-- Published versions that were never compiled again, the oldest first, then present ones that were not for a day.
CREATE FUNCTION halyard.heads_to_verify(most integer)
RETURNS TABLE (org_id text, environment_id text, epoch integer, version integer)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
  (SELECT h.org_id, h.environment_id, h.epoch, h.version FROM heads h
   WHERE h.verified_at IS NULL ORDER BY h.published_at LIMIT most)
  UNION ALL
  (SELECT present.org_id, present.environment_id, present.epoch, present.version
   FROM environments e CROSS JOIN LATERAL (
     SELECT h.* FROM heads h WHERE h.org_id = e.org_id AND h.environment_id = e.id
     ORDER BY h.epoch DESC, h.version DESC LIMIT 1) present
   WHERE present.verified_at < now() - interval '1 day' ORDER BY present.verified_at LIMIT most)
  LIMIT most
$$;
--> statement-breakpoint
REVOKE ALL ON FUNCTION halyard.prune_history(text), halyard.heads_to_verify(integer) FROM PUBLIC;
--> statement-breakpoint
GRANT EXECUTE ON FUNCTION halyard.prune_history(text), halyard.heads_to_verify(integer) TO halyard_app;
--> statement-breakpoint
GRANT CREATE ON SCHEMA halyard TO halyard_definer;
--> statement-breakpoint
ALTER FUNCTION halyard.prune_history(text) OWNER TO halyard_definer;
--> statement-breakpoint
ALTER FUNCTION halyard.heads_to_verify(integer) OWNER TO halyard_definer;
--> statement-breakpoint
REVOKE CREATE ON SCHEMA halyard FROM halyard_definer;
