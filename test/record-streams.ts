/**
 * Records what an edge of this release sends to readers, from a real stack, for `sdk/recorded/replay.test.ts`:
 *
 *   node test/record-streams.ts sdk/recorded/v2
 *
 * A folder that is there is never written again: readers of later releases must go on understanding it.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBareStack, type BareStack } from '../dev/bare-stack.ts'
import { buildWorkers } from '../dev/build-workers.ts'
import { failWith, fault } from '../dev/fault.ts'
import { parseKey } from '@halyard/shared/protocol/keys.ts'
import { pingText, streamProtocol } from '@halyard/shared/protocol/stream.ts'
import { until } from './stack-kit.ts'

interface Recorder {
  readonly stack: BareStack
  readonly key: string
  readonly clientKey: string
}

interface Heard {
  readonly since: string | null
  readonly messages: string[]
  closeCode: number | null
}

const contexts = [
  { targetingKey: 'user-1' },
  { targetingKey: 'user-2', country: 'DE' },
  { targetingKey: 'tester-3', plan: 'pro' },
  {},
]
const shop = '/orgs/demo/projects/shop'
const production = `${shop}/environments/production`
/** A reader that never answers is let go of after a minute, at the heartbeat that follows. */
const goawayMs = 120_000

await record(process.argv[2]).catch(failWith)

async function record(folder: string | undefined): Promise<void> {
  if (folder === undefined)
    throw fault('Say into which folder', 'node test/record-streams.ts sdk/recorded/v2')
  if (existsSync(folder)) throw fault(`${folder} is there`, 'A recording is never edited: make a new one')
  const scratch = mkdtempSync(join(tmpdir(), 'halyard-record-'))
  try {
    await buildWorkers(join(scratch, 'built'))
    const stack = await startBareStack({ stateDir: join(scratch, 'state'), built: join(scratch, 'built') })
    try {
      const files = await recordAll(stack)
      mkdirSync(folder, { recursive: true })
      for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
    } finally {
      await stack.stop()
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function recordAll(stack: BareStack): Promise<Record<string, string>> {
  const { serverKey, clientKey } = stack.seed.environments.production
  const recorder = { stack, key: serverKey, clientKey }
  await prepare(recorder)
  const silent = openSocket(recorder, serverKey, { since: null, isSilent: true })
  const whole = openSocket(recorder, serverKey, { since: null })
  const client = openSocket(recorder, clientKey, { since: null })
  const [events, clientEvents] = [openEvents(recorder, serverKey), openEvents(recorder, clientKey)]
  await until(
    async () => [whole, client, silent],
    (all) => all.every(({ messages }) => messages.length > 0),
  )
  await until(
    async () => (await events.text()) && (await clientEvents.text()),
    (text) => text !== '',
  )
  const first = await tokenNow(recorder)
  await change(recorder)
  const last = await tokenNow(recorder)
  const resumed = openSocket(recorder, serverKey, { since: first })
  for (const { messages } of [whole, client, resumed])
    await until(async () => messages, hasHeartbeat, goawayMs) // oxlint-disable-line no-await-in-loop
  await until(
    async () => silent.closeCode,
    (code) => code !== null,
    goawayMs,
  )
  const streams = [whole, resumed, silent].map(closed)
  return {
    'about.json': asJson({
      protocol: streamProtocol,
      first,
      last,
      recordedAt: Date.now(),
      ...(await readTrust(stack)),
    }),
    'server-streams.json': asJson(streams),
    'client-stream.json': asJson(closed(client)),
    'server-events.txt': await events.end(),
    'client-events.txt': await clientEvents.end(),
    'rulesets.json': asJson([await readRuleset(recorder, null), await readRuleset(recorder, first)]),
    'decisions.json': asJson(await Promise.all(contexts.map((context) => decide(recorder, context)))),
  }
}

/** Enough content that deltas are shorter than the whole, and the last version of before, everywhere. */
async function prepare(recorder: Recorder): Promise<void> {
  const environments = { production: { include: testers(1_200) } }
  await publish(recorder, 'POST', `${shop}/segments`, { key: 'testers', environments })
}

function testers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `tester-${String(i)}`)
}

/** Changes of every kind: a line that is edited, new, replaced and gone; what client keys see, and what they do not. */
async function change(recorder: Recorder): Promise<void> {
  const beta = { attribute: 'plan', op: 'eq', value: 'pro' }
  const rules = [{ name: 'testers', when: { segment: 'testers' }, serve: { variant: 'careful' } }]
  const wider = {
    weights: [
      { variant: 'on', weight: 60_000 },
      { variant: 'off', weight: 40_000 },
    ],
  }
  const edits: readonly [method: string, path: string, body?: object][] = [
    ['POST', `${production}/flags/new-checkout/toggle`, { enabled: false }],
    ['PATCH', `${production}/segments/testers`, { include: testers(1_201) }],
    ['PATCH', `${production}/flags/search-settings`, { rules }],
    ['POST', `${shop}/flags`, { key: 'short-lived', clientVisible: true }],
    ['PATCH', `${production}/flags/free-shipping`, { fallthrough: { split: wider } }],
    [
      'POST',
      `${shop}/flags`,
      { key: 'greeting', valueType: 'string', variants: [{ key: 'a', value: 'Grüße 👋' }] },
    ],
    ['DELETE', `${shop}/flags/short-lived`],
    ['PATCH', `${production}/flags/checkout-theme`, { rules: [{ when: beta, serve: { variant: 'bold' } }] }],
  ]
  for (const [method, path, body] of edits) await publish(recorder, method, path, body) // oxlint-disable-line no-await-in-loop
}

/** One change of its own version: what is published together is one delta. */
async function publish({ stack, key }: Recorder, method: string, path: string, body?: object): Promise<void> {
  const response = await fetch(`${stack.urls.control}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${stack.seed.managementKey}`,
      'content-type': 'application/json',
      'if-match': '*',
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  const answer = (await response.json()) as { versions?: { production?: string } } // as the API writes it
  const version = answer.versions?.production
  if (!response.ok || version === undefined)
    throw fault(
      `${method} ${path} answered ${response.status}: ${JSON.stringify(answer)}`,
      'Mend the recorder',
    )
  await until(
    () => tokenNow({ stack, key }),
    (token) => token === version,
  )
}

async function tokenNow({ stack, key }: Pick<Recorder, 'stack' | 'key'>): Promise<string> {
  const headers = { authorization: `Bearer ${key}` }
  const response = await fetch(`${stack.urls.edge}/v1/status`, { headers })
  return ((await response.json()) as { version: string }).version // as the edge writes it
}

function hasHeartbeat(messages: readonly string[]): boolean {
  return messages.some((text) => text.startsWith('{"kind":"head"')) && messages.includes('{"kind":"pong"}')
}

function openSocket(
  { stack }: Recorder,
  key: string,
  { since, isSilent = false }: { readonly since: string | null; readonly isSilent?: boolean },
): Heard & { readonly socket: WebSocket } {
  const url = `${stack.urls.edge.replace('http', 'ws')}/v1/stream${since === null ? '' : `?since=${since}`}`
  const socket = new WebSocket(url, {
    protocols: [streamProtocol],
    headers: { authorization: `Bearer ${key}` },
  } as never) // undici takes headers, which the DOM's type does not know
  const heard = { since, messages: [] as string[], closeCode: null as number | null, socket }
  socket.addEventListener('message', ({ data }) => {
    heard.messages.push(String(data))
    if (!isSilent && String(data).startsWith('{"kind":"head"')) socket.send(pingText)
  })
  socket.addEventListener('close', ({ code }) => (heard.closeCode = code))
  return heard
}

function closed({ since, messages, closeCode, socket }: ReturnType<typeof openSocket>): Heard {
  socket.close()
  return { since, messages: [...messages], closeCode }
}

/** The text of a stream of events as it comes. */
function openEvents({ stack }: Recorder, key: string) {
  const abort = new AbortController()
  let text = ''
  const done = (async () => {
    const headers = { authorization: `Bearer ${key}`, accept: 'text/event-stream' }
    const response = await fetch(`${stack.urls.edge}/v1/stream`, { headers, signal: abort.signal })
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? []) text += decoder.decode(chunk, { stream: true })
  })().catch(() => {}) // it is we who end it; without a text the recorder does not go on
  return {
    text: async () => text,
    /** Ends after a heartbeat, at an event's end. */
    end: async () => {
      await until(
        async () => text,
        (heard) => heard.includes('event: head') && heard.endsWith('\n\n'),
        goawayMs,
      )
      const whole = text
      abort.abort()
      await done
      return whole
    },
  }
}

async function readTrust(stack: BareStack) {
  const response = await fetch(`${stack.urls.edge}/.well-known/jwks.json`)
  const { keys } = (await response.json()) as { keys: object[] } // RFC 7517
  return {
    trustedKeys: keys,
    environment: `env_${parseKey(stack.seed.environments.production.serverKey)?.publicId}`,
  }
}

async function readRuleset({ stack, key }: Recorder, since: string | null) {
  const query = since === null ? '' : `?since=${since}`
  const response = await fetch(`${stack.urls.edge}/v1/ruleset${query}`, {
    headers: { authorization: `Bearer ${key}` },
  })
  const kept = [...response.headers].filter(([name]) => name.startsWith('halyard-') || name === 'etag')
  return { since, headers: Object.fromEntries(kept), text: await response.text() }
}

async function decide({ stack, key }: Recorder, context: object) {
  const response = await fetch(`${stack.urls.edge}/v1/evaluate`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ context }),
  })
  return { context, ...((await response.json()) as object) } // as the edge writes it
}

function asJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
