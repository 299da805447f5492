CREATE TABLE "layers" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"project_id" text NOT NULL,
	"key" text NOT NULL,
	"name" text NOT NULL,
	"description" text NOT NULL,
	"by" text NOT NULL,
	"seed" text NOT NULL,
	"slots" json NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"archived_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "layers_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
CREATE TABLE "segment_states" (
	"org_id" text NOT NULL,
	"environment_id" text NOT NULL,
	"segment_id" text NOT NULL,
	"state" json NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "segment_states_org_id_environment_id_segment_id_pk" PRIMARY KEY("org_id","environment_id","segment_id")
);
--> statement-breakpoint
CREATE TABLE "segments" (
	"org_id" text NOT NULL,
	"id" text NOT NULL,
	"project_id" text NOT NULL,
	"key" text NOT NULL,
	"name" text NOT NULL,
	"description" text NOT NULL,
	"tags" text[] NOT NULL,
	"revision" integer DEFAULT 1 NOT NULL,
	"archived_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "segments_org_id_id_pk" PRIMARY KEY("org_id","id")
);
--> statement-breakpoint
ALTER TABLE "flags" ADD COLUMN "owner" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "flags" ADD COLUMN "temporary" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "flags" ADD COLUMN "expires_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "flags" ADD COLUMN "expiry_variant" text;--> statement-breakpoint
ALTER TABLE "flags" ADD COLUMN "value_schema" json;--> statement-breakpoint
ALTER TABLE "layers" ADD CONSTRAINT "layers_org_id_project_id_projects_org_id_id_fk" FOREIGN KEY ("org_id","project_id") REFERENCES "public"."projects"("org_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "segment_states" ADD CONSTRAINT "segment_states_org_id_environment_id_environments_org_id_id_fk" FOREIGN KEY ("org_id","environment_id") REFERENCES "public"."environments"("org_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "segment_states" ADD CONSTRAINT "segment_states_org_id_segment_id_segments_org_id_id_fk" FOREIGN KEY ("org_id","segment_id") REFERENCES "public"."segments"("org_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "segments" ADD CONSTRAINT "segments_org_id_project_id_projects_org_id_id_fk" FOREIGN KEY ("org_id","project_id") REFERENCES "public"."projects"("org_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "layers_key" ON "layers" USING btree ("org_id","project_id",lower("key"));--> statement-breakpoint
CREATE UNIQUE INDEX "segments_key" ON "segments" USING btree ("org_id","project_id",lower("key"));--> statement-breakpoint
SELECT halyard.protect_table(name::regclass) FROM unnest(ARRAY['segments', 'segment_states', 'layers']) AS name;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE ON segments, segment_states, layers TO halyard_app;
--> statement-breakpoint
-- States from before prerequisites get none, in every tenant: for this the policy is lifted from the owner. The text is
-- edited, because a way through jsonb would change what users wrote.
ALTER TABLE flag_states NO FORCE ROW LEVEL SECURITY;
--> statement-breakpoint
UPDATE flag_states SET state = ('{"prerequisites":[],' || substr(ltrim(state::text), 2))::json;
--> statement-breakpoint
ALTER TABLE flag_states FORCE ROW LEVEL SECURITY;
