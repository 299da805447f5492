import type { BareStack } from '../dev/bare-stack.ts'
import { setTimeout as wait } from 'node:timers/promises'

/** One change that the writer wants, repeated under one Idempotency-Key until it is acknowledged. */
export interface Operation {
  /** Its Idempotency-Key, and its comment in the audit. */
  readonly id: string
  readonly kind: 'toggle' | 'create'
  readonly flag: string
  readonly environment: string | null
  tries: number
  /** The tokens that the answer named; null while it is not acknowledged. */
  versions: Readonly<Record<string, string>> | null
  /** An answer that no repetition can mend. */
  refusal: string | null
}

export interface Writer {
  readonly operations: readonly Operation[]
  /** Resolves at the next one that is sent, or acknowledged. */
  readonly next: (event: 'sent' | 'acknowledged') => Promise<void>
  /** Finishes the operation under way, and resolves. */
  readonly stop: () => Promise<void>
}

export interface WriterOptions {
  readonly stack: Pick<BareStack, 'urls' | 'seed'>
  readonly name: string
  readonly environments: readonly string[]
  /** A pause after each acknowledgement. */
  readonly pauseMs: number
}

const shop = '/api/v1/orgs/demo/projects/shop'
const requestMaxMs = 15_000
const retryMs = 60
const createEvery = 8

/** Toggles a flag of its own in each environment, and now and then makes another one. */
export function startWriter(options: WriterOptions): Writer {
  const operations: Operation[] = []
  const waiting = { sent: Promise.withResolvers<void>(), acknowledged: Promise.withResolvers<void>() }
  const stopping = new AbortController()
  const tell = (event: 'sent' | 'acknowledged') => {
    waiting[event].resolve()
    waiting[event] = Promise.withResolvers<void>()
  }
  const run = async () => {
    while (!stopping.signal.aborted) {
      const operation = makeOperation(options, operations.length)
      operations.push(operation)
      // One after another: each is sent until it is answered for good.
      await perform(options, operation, () => tell('sent')) // oxlint-disable-line no-await-in-loop
      tell('acknowledged')
      await wait(options.pauseMs) // oxlint-disable-line no-await-in-loop
    }
  }
  const ended = run()
  const stop = async () => {
    stopping.abort()
    await ended
  }
  return { operations, next: (event) => waiting[event].promise, stop }
}

function makeOperation({ name, environments }: WriterOptions, number: number): Operation {
  const kind = number % createEvery === 0 ? 'create' : 'toggle'
  const flag = kind === 'create' && number > 0 ? `${name}-${number}` : `${name}-main`
  const environment = kind === 'create' ? null : (environments[number % environments.length] ?? null)
  return { id: `${name}-${number}`, kind, flag, environment, tries: 0, versions: null, refusal: null }
}

async function perform({ stack }: WriterOptions, operation: Operation, onSent: () => void): Promise<void> {
  const { id, flag, environment } = operation
  const path = environment === null ? '/flags' : `/environments/${environment}/flags/${flag}/toggle`
  const body = environment === null ? { key: flag, comment: id } : { comment: id }
  while (operation.versions === null && operation.refusal === null) {
    operation.tries += 1
    const answer = send(stack, { path, id, body })
    onSent()
    const { status, text } = await answer // oxlint-disable-line no-await-in-loop -- one try after another
    if (status >= 200 && status < 300) operation.versions = JSON.parse(text).versions
    else if (status >= 400 && status < 500 && status !== 429 && !text.includes('"idempotency_in_progress"'))
      operation.refusal = `${status} ${text}`
    else await wait(retryMs) // oxlint-disable-line no-await-in-loop
  }
}

interface Sent {
  readonly path: string
  readonly id: string
  readonly body: object
}

/** Status 0: no answer came. */
async function send({ urls, seed }: WriterOptions['stack'], { path, id, body }: Sent) {
  try {
    const response = await fetch(`${urls.control}${shop}${path}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${seed.managementKey}`,
        'content-type': 'application/json',
        'idempotency-key': id,
      },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(requestMaxMs),
    })
    return { status: response.status, text: await response.text() }
  } catch (error) {
    return { status: 0, text: String(error) } // it is being killed: the same again
  }
}
