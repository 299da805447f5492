CREATE TABLE "segment_blob_parts" (
	"org_id" text NOT NULL,
	"hash" text NOT NULL,
	"part" integer NOT NULL,
	"bytes" "bytea" NOT NULL,
	CONSTRAINT "segment_blob_parts_org_id_hash_part_pk" PRIMARY KEY("org_id","hash","part")
);
--> statement-breakpoint
CREATE TABLE "segment_blobs" (
	"org_id" text NOT NULL,
	"hash" text NOT NULL,
	"count" integer NOT NULL,
	"kept" boolean DEFAULT false NOT NULL,
	"stored_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "segment_blobs_org_id_hash_pk" PRIMARY KEY("org_id","hash")
);
--> statement-breakpoint
CREATE TABLE "segment_upload_parts" (
	"org_id" text NOT NULL,
	"environment_id" text NOT NULL,
	"segment_id" text NOT NULL,
	"upload" text NOT NULL,
	"part" integer NOT NULL,
	"sha256" text NOT NULL,
	"bytes" "bytea" NOT NULL,
	CONSTRAINT "segment_upload_parts_pk" PRIMARY KEY("org_id","environment_id","segment_id","upload","part")
);
--> statement-breakpoint
CREATE TABLE "segment_uploads" (
	"org_id" text NOT NULL,
	"environment_id" text NOT NULL,
	"segment_id" text NOT NULL,
	"name" text NOT NULL,
	"format" text NOT NULL,
	"committed" boolean DEFAULT false NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "segment_uploads_org_id_environment_id_segment_id_name_pk" PRIMARY KEY("org_id","environment_id","segment_id","name")
);
--> statement-breakpoint
ALTER TABLE "segment_blob_parts" ADD CONSTRAINT "segment_blob_parts_org_id_hash_segment_blobs_org_id_hash_fk" FOREIGN KEY ("org_id","hash") REFERENCES "public"."segment_blobs"("org_id","hash") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "segment_blobs" ADD CONSTRAINT "segment_blobs_org_id_organizations_id_fk" FOREIGN KEY ("org_id") REFERENCES "public"."organizations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "segment_upload_parts" ADD CONSTRAINT "segment_upload_parts_upload" FOREIGN KEY ("org_id","environment_id","segment_id","upload") REFERENCES "public"."segment_uploads"("org_id","environment_id","segment_id","name") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "segment_uploads" ADD CONSTRAINT "segment_uploads_org_id_environment_id_environments_org_id_id_fk" FOREIGN KEY ("org_id","environment_id") REFERENCES "public"."environments"("org_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "segment_uploads" ADD CONSTRAINT "segment_uploads_org_id_segment_id_segments_org_id_id_fk" FOREIGN KEY ("org_id","segment_id") REFERENCES "public"."segments"("org_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "segment_uploads_updated" ON "segment_uploads" USING btree ("org_id","updated_at");--> statement-breakpoint
SELECT halyard.protect_table(name::regclass) FROM unnest(ARRAY[
  'segment_blobs', 'segment_blob_parts', 'segment_uploads', 'segment_upload_parts']) AS name;
--> statement-breakpoint
GRANT SELECT, INSERT, UPDATE, DELETE ON segment_blobs, segment_blob_parts, segment_uploads, segment_upload_parts TO halyard_app;
