import * as z from 'zod'

/** Every problem the management API answers with: its stable code, HTTP status and title. */
export const problems = {
  invalid_input: { status: 400, title: 'Some of the input is not allowed' },
  unknown_field: { status: 400, title: 'A field is not known here' },
  wrong_type: { status: 400, title: 'A value is of the wrong type' },
  invalid_key: { status: 400, title: 'A key is not of the form that keys have' },
  variant_type_mismatch: { status: 400, title: 'A variant is not of the type of its flag' },
  weights_sum: { status: 400, title: 'The weights of a split do not sum to 100 %' },
  unknown_reference: { status: 400, title: 'Something that is named does not exist' },
  reference_cycle: { status: 400, title: 'Flags or segments would depend on themselves' },
  malformed_json: { status: 400, title: 'The body is not JSON' },
  unauthenticated: { status: 401, title: 'This needs a management token' },
  malformed_key: { status: 401, title: 'The token is not of the form of a Halyard key' },
  unknown_key: { status: 401, title: 'The token is unknown, revoked or expired' },
  wrong_key_class: { status: 403, title: 'Keys of this class do not work here' },
  forbidden: { status: 403, title: 'The token may not do this' },
  not_found: { status: 404, title: 'There is nothing at this address' },
  organization_not_found: { status: 404, title: 'No such organization' },
  project_not_found: { status: 404, title: 'No such project' },
  environment_not_found: { status: 404, title: 'No such environment' },
  flag_not_found: { status: 404, title: 'No such flag' },
  segment_not_found: { status: 404, title: 'No such segment' },
  metric_not_found: { status: 404, title: 'No such metric' },
  layer_not_found: { status: 404, title: 'No such layer' },
  upload_not_found: { status: 404, title: 'No such upload' },
  version_not_found: { status: 404, title: 'The environment never was at that version' },
  version_not_kept: { status: 404, title: 'The version is older than what history keeps' },
  key_not_found: { status: 404, title: 'No such API key' },
  method_not_allowed: { status: 405, title: 'This address does not take that method' },
  conflict: { status: 409, title: 'Something of that key exists already' },
  flag_exists: { status: 409, title: 'A flag of that key exists already' },
  flag_archived: { status: 409, title: 'The flag is archived' },
  segment_exists: { status: 409, title: 'A segment of that key exists already' },
  segment_archived: { status: 409, title: 'The segment is archived' },
  layer_exists: { status: 409, title: 'A layer of that key exists already' },
  layer_archived: { status: 409, title: 'The layer is archived' },
  upload_incomplete: { status: 409, title: 'Parts of the upload are missing' },
  upload_changed: { status: 409, title: 'The upload was changed or committed meanwhile' },
  in_use: { status: 409, title: 'Something else depends on it' },
  limit_reached: { status: 409, title: 'A limit is reached' },
  idempotency_in_progress: { status: 409, title: 'A request with this Idempotency-Key is still running' },
  precondition_failed: { status: 412, title: 'It was changed since you read it' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body is of a media type that is not taken here' },
  idempotency_key_reused: { status: 422, title: 'This Idempotency-Key was used for another request' },
  revert_refused: { status: 422, title: 'The past state names what is no longer there' },
  precondition_required: { status: 428, title: 'This change needs an If-Match header' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  epoch_required: { status: 503, title: 'The database went back in time: raise the epoch first' },
  unavailable: { status: 503, title: 'The database cannot be reached right now' },
} as const satisfies Record<string, { status: number; title: string }>

export type ProblemCode = keyof typeof problems

/** What is wrong with one field; the code of the problem itself if that is all that is wrong. */
export const fieldCodes = [
  'unknown_field',
  'wrong_type',
  'invalid_key',
  'variant_type_mismatch',
  'weights_sum',
  'unknown_reference',
  'reference_cycle',
  'invalid_value',
] as const
export type FieldCode = (typeof fieldCodes)[number]

export const FieldError = z
  .strictObject({
    code: z.enum(fieldCodes),
    pointer: z.string().meta({
      description: 'A JSON pointer into the body, or the name of a parameter',
      examples: ['/variants/0/key'],
    }),
    detail: z.string(),
  })
  .meta({ id: 'FieldError' })
export type FieldError = z.infer<typeof FieldError>

/** RFC 9457, as `application/problem+json`. */
export const Problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]]), // Object.keys widens to string
    detail: z.string().optional(),
    requestId: z.string(),
    errors: z.array(FieldError).optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' })
export type Problem = z.infer<typeof Problem>
