/** What is answered when it is not done what was asked: codes and form are those of the edge. */
const statuses = {
  PARSE_ERROR: 400,
  INVALID_CONTEXT: 400,
  INVALID_REQUEST: 400,
  KEY_MISSING: 401,
  KEY_INVALID: 401,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  TOO_LARGE: 413,
} as const

type RefusalCode = keyof typeof statuses

interface RefusalExtra {
  readonly headers?: Readonly<Record<string, string>>
  readonly limit?: { readonly name: string; readonly max: number }
}

/** Thrown anywhere in a request, answered in one place. */
export class Refusal extends Error {
  readonly code: RefusalCode
  readonly extra: RefusalExtra

  constructor(code: RefusalCode, details: string, extra: RefusalExtra = {}) {
    super(details)
    this.code = code
    this.extra = extra
  }
}

export function overLimit(code: RefusalCode, name: string, max: number): Refusal {
  return new Refusal(code, `over the limit: ${name} is at most ${max}`, { limit: { name, max } })
}

/** `flag` is the key that was asked for, if it was one. */
export function answerRefusal({ code, message, extra }: Refusal, flag: string | null): Response {
  const { headers, limit } = extra
  const body = {
    ...(flag !== null && { key: flag }),
    errorCode: code,
    errorDetails: message,
    ...(limit && { limit: limit.name, max: limit.max }),
  }
  return Response.json(body, { status: statuses[code], ...(headers && { headers }) })
}
