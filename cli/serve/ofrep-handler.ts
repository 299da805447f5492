/** OFREP over flags that are held here, as the edge speaks it. */
import { createHash } from 'node:crypto'
import { evaluateAllJson, evaluateMany } from '@halyard/shared/engine/evaluate.ts'
import { decisionJson } from '@halyard/shared/engine/json.ts'
import { openChangeStream } from './change-stream.ts'
import { readContext } from './read-context.ts'
import { answerRefusal, Refusal } from './refusal.ts'
import type { ServedFlags } from './served-flags.ts'

export interface OfrepPorts {
  readonly flags: ServedFlags
  /** Epoch milliseconds. */
  readonly now: () => number
  /** What requests must carry; null: anything, or nothing. */
  readonly key: string | null
  /** Ends the streams. */
  readonly signal: AbortSignal
}

export type Handler = (request: Request) => Promise<Response>

const bulkPath = '/ofrep/v1/evaluate/flags'
const onePrefix = `${bulkPath}/`
const streamPath = '/ofrep/v1/stream'
const clientPrefix = 'hyd_cli_'
/** A page that has been out of sight for so long lets its stream go. */
const inactivityDelaySec = 120
const eventStreams = JSON.stringify([
  { type: 'sse', endpoint: { requestUri: streamPath }, inactivityDelaySec },
])

/** Answers a request, whatever it is. */
export function makeOfrepHandler(ports: OfrepPorts): Handler {
  return async (request) => {
    const response = await answer(request, ports)
    if (request.headers.has('Origin')) {
      response.headers.set('Access-Control-Allow-Origin', '*')
      response.headers.set('Access-Control-Expose-Headers', 'ETag, Halyard-Version')
    }
    return response
  }
}

interface Target {
  readonly method: 'GET' | 'POST'
  /** The flag that the path names. */
  readonly flag: string | null
  readonly run: (request: Request, ports: OfrepPorts) => Promise<Response> | Response
}

async function answer(request: Request, ports: OfrepPorts): Promise<Response> {
  const target = targetOf(new URL(request.url).pathname)
  try {
    if (target === null)
      throw new Refusal('NOT_FOUND', `there is no such path here; there is ${bulkPath}, ${onePrefix}KEY`)
    const { method } = target
    if (request.method === method) return await target.run(request, ports)
    const allowed = `${method}, OPTIONS`
    if (request.method === 'OPTIONS') return answerPreflight(allowed)
    throw new Refusal('METHOD_NOT_ALLOWED', `this path takes ${method}`, { headers: { Allow: allowed } })
  } catch (cause) {
    if (cause instanceof Refusal) return answerRefusal(cause, target?.flag ?? null)
    throw cause
  }
}

function targetOf(path: string): Target | null {
  if (path === bulkPath) return { method: 'POST', flag: null, run: evaluateBulk }
  if (path === streamPath) return { method: 'GET', flag: null, run: openStream }
  const flag = path.startsWith(onePrefix) ? decode(path.slice(onePrefix.length)) : ''
  if (flag === '') return null
  return { method: 'POST', flag, run: (request, ports) => evaluateOne(flag, request, ports) }
}

/** It tells that something changed and nothing else: a page can send it no key. */
function openStream(request: Request, { flags, signal }: OfrepPorts): Response {
  return openChangeStream(flags, request.headers.get('Last-Event-ID'), signal)
}

async function evaluateOne(flag: string, request: Request, ports: OfrepPorts): Promise<Response> {
  const clientOnly = isOfClient(request, ports)
  const context = await readContext(request)
  const { flags, now } = ports
  const [decision] = evaluateMany(flags.snapshot(), [flag], { context, now: now(), clientOnly })
  if (!decision) throw new Error('one key has one decision')
  const isUnknown = decision.reason === 'ERROR' && decision.errorCode === 'FLAG_NOT_FOUND'
  const status = decision.reason !== 'ERROR' ? 200 : isUnknown ? 404 : 400
  return answerJson(status, decisionJson(decision), flags)
}

async function evaluateBulk(request: Request, ports: OfrepPorts): Promise<Response> {
  const clientOnly = isOfClient(request, ports)
  const context = await readContext(request)
  const { flags, now } = ports
  const all = evaluateAllJson(flags.snapshot(), context, now(), { clientOnly })
  const text = `{"flags":[${all}],"eventStreams":${eventStreams}}`
  const etag = `"${createHash('sha256').update(text).digest('hex').slice(0, 32)}"`
  const isKnown = matches(request.headers.get('If-None-Match'), etag)
  const response = answerJson(isKnown ? 304 : 200, isKnown ? null : text, flags)
  response.headers.set('ETag', etag)
  return response
}

/** Whether the key is of class client, which sees client-visible flags only. Throws if it is not the right one. */
function isOfClient({ headers }: Request, { key }: OfrepPorts): boolean {
  const sent = headers.get('Authorization')?.replace(/^Bearer +/i, '') ?? headers.get('X-API-Key')
  if (key !== null && sent === null)
    throw new Refusal(
      'KEY_MISSING',
      'send the key of --key as "Authorization: Bearer KEY" or "X-API-Key: KEY"',
    )
  if (key !== null && sent !== key) throw new Refusal('KEY_INVALID', 'this is not the key of --key')
  return sent?.startsWith(clientPrefix) ?? false
}

/** A list, `*`, compared weakly (RFC 9110, 13.1.2). */
function matches(ifNoneMatch: string | null, etag: string): boolean {
  const tags = ifNoneMatch?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? []
  return tags.includes('*') || tags.includes(etag)
}

function answerJson(status: number, text: string | null, flags: ServedFlags): Response {
  const headers = { 'Content-Type': 'application/json', 'Halyard-Version': flags.token() }
  return new Response(text, { status, headers })
}

function answerPreflight(methods: string): Response {
  const headers = {
    'Access-Control-Allow-Methods': methods,
    'Access-Control-Allow-Headers': 'Content-Type, Authorization, X-API-Key, If-None-Match',
    'Access-Control-Max-Age': '600',
  }
  return new Response(null, { status: 204, headers })
}

/** A key that is not well escaped is looked for as it stands, and not found. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
