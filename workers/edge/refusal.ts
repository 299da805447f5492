/** What the edge answers when it does not do what it was asked. */
const statuses = {
  PARSE_ERROR: 400,
  INVALID_CONTEXT: 400,
  INVALID_REQUEST: 400,
  KEY_MISSING: 401,
  KEY_MALFORMED: 401,
  KEY_INVALID: 401,
  KEY_CLASS: 403,
  KEY_ORIGIN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  VERSION_UNAVAILABLE: 409,
  TOO_LARGE: 413,
  UPGRADE_REQUIRED: 426,
  UNAVAILABLE: 503,
} as const

export type RefusalCode = keyof typeof statuses

interface RefusalExtra {
  readonly headers?: Readonly<Record<string, string>>
  /** The limit that was passed. */
  readonly limit?: { readonly name: string; readonly max: number }
}

/** Thrown anywhere in a request, answered in one place. */
export class Refusal extends Error {
  readonly code: RefusalCode
  readonly status: number
  readonly extra: RefusalExtra

  constructor(code: RefusalCode, details: string, extra: RefusalExtra = {}) {
    super(details)
    this.code = code
    this.status = statuses[code]
    this.extra = extra
  }
}
