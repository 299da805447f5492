-- When a flag was last asked for, and when it was last delivered, are told apart.
ALTER TABLE "usage_rollups" DROP COLUMN "last_at";--> statement-breakpoint
ALTER TABLE "usage_rollups" ADD COLUMN "last_evaluated_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "usage_rollups" ADD COLUMN "last_delivered_at" timestamp (3) with time zone;--> statement-breakpoint
-- The oldest hours of an environment: since when it was observed, and what is cleaned away.
CREATE INDEX "usage_rollups_hour" ON "usage_rollups" USING btree ("org_id","environment_id","hour");
