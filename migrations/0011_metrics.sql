CREATE TABLE "metric_rollups" (
	"org_id" text NOT NULL,
	"environment_id" text NOT NULL,
	"source" text NOT NULL,
	"name" text NOT NULL,
	"hour" timestamp (3) with time zone NOT NULL,
	"count" bigint NOT NULL,
	"sum" double precision,
	CONSTRAINT "metric_rollups_org_id_environment_id_source_name_hour_pk" PRIMARY KEY("org_id","environment_id","source","name","hour")
);
--> statement-breakpoint
CREATE TABLE "metrics" (
	"org_id" text NOT NULL,
	"environment_id" text NOT NULL,
	"source" text NOT NULL,
	"name" text NOT NULL,
	"last_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "metrics_org_id_environment_id_source_name_pk" PRIMARY KEY("org_id","environment_id","source","name")
);
--> statement-breakpoint
ALTER TABLE "metric_rollups" ADD CONSTRAINT "metric_rollups_metric" FOREIGN KEY ("org_id","environment_id","source","name") REFERENCES "public"."metrics"("org_id","environment_id","source","name") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "metrics" ADD CONSTRAINT "metrics_org_id_environment_id_environments_org_id_id_fk" FOREIGN KEY ("org_id","environment_id") REFERENCES "public"."environments"("org_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "metric_rollups_hour" ON "metric_rollups" USING btree ("org_id","environment_id","hour");--> statement-breakpoint
SELECT halyard.protect_table(name::regclass) FROM unnest(ARRAY['metrics', 'metric_rollups']) AS name;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON metrics, metric_rollups TO halyard_app;
