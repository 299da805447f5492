/** Requests that are meant to hurt: each is refused, and what the refusal costs is measured like any other answer. */

export interface HostileRequest {
  readonly name: string
  readonly body: string
  readonly status: 400 | 413
}

/** As long as a body may be: of what is longer nothing is looked at. */
const fill = (text: string) => text.repeat(Math.floor(60_000 / text.length))

export const hostileRequests: readonly HostileRequest[] = [
  { name: '3,500 names', body: contextOf(names(3_500)), status: 413 },
  { name: 'depth of 60,000', body: `{"context":${'['.repeat(60_000)}`, status: 400 },
  { name: '60,000 closers', body: `{"context":{}}${']'.repeat(60_000)}`, status: 400 },
  { name: 'a string without an end', body: `{"context":{"a":"${fill('x')}`, status: 400 },
  { name: 'backslashes', body: `{"context":{"a":"${fill('\\\\')}`, status: 400 },
  { name: 'a long string', body: `{"context":{"a":"${fill('x')}"}}`, status: 413 },
  { name: 'numbers that grow', body: `{"context":{"a":[${fill('1e20,')}1]}}`, status: 413 },
  { name: 'repeated names', body: `{"context":{${fill('"a":{},')}"a":5},"context":5}`, status: 400 },
  {
    name: '__proto__ repeated',
    body: `{"context":{${fill('"__proto__":[],')}"a":5},"x":5,"context":[]}`,
    status: 400,
  },
]

function names(count: number): string {
  return `{${Array.from({ length: count }, (_, i) => `"name${i}":${i}`).join(',')}}`
}

function contextOf(context: string): string {
  return `{"context":${context}}`
}
