/** Limits that are checked when data is saved. Sizes are UTF-8 bytes unless a name says otherwise. */
export const limits = {
  bodyBytes: 1024 * 1024,
  nameLength: 200,
  descriptionLength: 2_000,
  ownerLength: 200,
  tags: 20,
  tagLength: 50,
  flagsPerEnvironment: 10_000,
  variants: 64,
  variantKeyLength: 100,
  valueBytes: 64 * 1024,
  schemaBytes: 16 * 1024,
  prerequisites: 20,
  overrides: 100,
  overrideValues: 1_000,
  rules: 100,
  leavesPerRule: 200,
  conditionDepth: 10,
  leafValues: 1_000,
  textLength: 2_048,
  rampSteps: 50,
  /** In UTF-16 code units, as the engine counts them. */
  patternLength: 256,
  patternsPerEnvironment: 200,
  /** As `patternSize` counts: what 2 KiB of the worst text then cost all patterns together is some 50 ms. */
  patternInstructionsPerEnvironment: 1_200,
  segmentsPerEnvironment: 2_000,
  /** Ids in a segment's state; longer lists are uploaded. */
  segmentIds: 10_000,
  segmentIdLength: 256,
  segmentMembers: 1_000_000,
  /** Ids that were added to and removed from an uploaded list since, together. */
  memberEdits: 1_000,
  blobBytesPerEnvironment: 32 * 1024 * 1024,
  /** Parts of `bodyBytes` each. */
  uploadParts: 512,
  /** Uploads that are not committed. */
  uploadsPerEnvironment: 10,
  /** In UTF-16 code units: a line of an uploaded list, or a record of a CSV. */
  memberLineLength: 64 * 1024,
  layersPerProject: 100,
  slotsPerLayer: 100,
  /** How many flags and segments may follow each other by prerequisites, flag leaves and segment leaves. */
  referenceDepth: 20,
  projectsPerOrganization: 100,
  environmentsPerProject: 20,
  keysPerProject: 200,
  /** With `keysPerProject`, below what an access record may hold. */
  originsPerKey: 15,
  importFlags: 500,
  /** Of the difference between two versions. */
  changesShown: 500,
  revertKeys: 500,
  pageSize: 200,
} as const
