-- When a flag was last asked for, and when it was last delivered, are told apart.
ALTER TABLE "usage_rollups" DROP COLUMN "last_at";--> statement-breakpoint
ALTER TABLE "usage_rollups" ADD COLUMN "last_evaluated_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "usage_rollups" ADD COLUMN "last_delivered_at" timestamp (3) with time zone;--> statement-breakpoint
-- The oldest hours of an environment: since when it was observed, and what is cleaned away.
CREATE INDEX "usage_rollups_hour" ON "usage_rollups" USING btree ("org_id","environment_id","hour");--> statement-breakpoint
-- What is forgotten.
CREATE INDEX "usage_batches_received" ON "usage_batches" USING btree ("org_id","received_at");--> statement-breakpoint
-- First and last variant of a flag since some hour, without reading what lies between.
ALTER TABLE "usage_rollups" DROP CONSTRAINT "usage_rollups_org_id_environment_id_flag_id_hour_variant_pk";--> statement-breakpoint
ALTER TABLE "usage_rollups" ADD CONSTRAINT "usage_rollups_org_id_environment_id_flag_id_variant_hour_pk" PRIMARY KEY("org_id","environment_id","flag_id","variant","hour");
