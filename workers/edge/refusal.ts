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
  RATE_LIMITED: 429,
  UNAVAILABLE: 503,
} as const

export type RefusalCode = keyof typeof statuses

/** When to come back, in seconds: after `atLeast`, and all within `spread` more. */
interface Later {
  readonly code?: 'UNAVAILABLE' | 'RATE_LIMITED'
  readonly atLeast?: number
  readonly spread?: number
  readonly random?: () => number
}

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

/** The refusal of what may go well later. Those who are sent away together do not come back together. */
export function comeBackLater(why: string, later: Later = {}): Refusal {
  const { code = 'UNAVAILABLE', atLeast = 1, spread = 5, random = Math.random } = later
  const seconds = Math.ceil(atLeast) + Math.floor(random() * spread)
  return new Refusal(code, why, { headers: { 'Retry-After': String(seconds) } })
}
