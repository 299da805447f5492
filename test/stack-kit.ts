/** The whole product on free ports, with a state folder of its own, for tests. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll } from 'vitest'
import { startStack, type Stack } from '../dev/stack.ts'
import { buildWorkersOnce } from './run-once.ts'
import type { ServerClassMessage } from '@halyard/shared/protocol/stream.ts'

export const project = '/orgs/demo/projects/shop'

/** Starts before all tests of a file, with built Workers, and stops after them. */
export function useStack(): { readonly stack: Stack } {
  const held: { stack?: Stack } = {}
  const stateDir = mkdtempSync(join(tmpdir(), 'halyard-system-'))
  beforeAll(async () => {
    const built = await buildWorkersOnce()
    held.stack = await startStack({ stateDir: join(stateDir, 'state'), built })
  })
  afterAll(async () => {
    await held.stack?.stop()
    rmSync(stateDir, { recursive: true, force: true })
  })
  return {
    get stack() {
      if (!held.stack) throw new Error('the stack starts before the tests')
      return held.stack
    },
  }
}

/** One request to the management API; the path is under `/api/v1`. Throws on any refusal. */
export async function callApi<Body>(
  stack: Stack,
  method: string,
  path: string,
  body?: unknown,
): Promise<Body> {
  const response = await fetch(`${stack.urls.control}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${stack.seed.managementKey}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
  return JSON.parse(text) as Body // the tests look at what they expect
}

/** Asks until the answer is as wanted: for what becomes true by itself, soon. */
export async function until<T>(
  ask: () => Promise<T>,
  isWanted: (answer: T) => boolean,
  withinMs = 30_000,
): Promise<T> {
  const end = Date.now() + withinMs
  for (;;) {
    const answer = await ask().catch((error: unknown) => error as T) // an unreachable Worker is not there yet
    if (isWanted(answer)) return answer
    if (Date.now() > end) throw new Error(`still not as wanted: ${String(JSON.stringify(answer) ?? answer)}`)
    await new Promise((resolve) => setTimeout(resolve, 25)) // oxlint-disable-line no-await-in-loop -- asks again
  }
}

/** Runs the CLI as a user would, as a process of its own. */
export async function runCli(stack: Stack, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['cli/main.ts', ...args], {
    env: {
      ...process.env,
      HALYARD_API_URL: stack.urls.control,
      HALYARD_EDGE_URL: stack.urls.edge,
      HALYARD_TOKEN: stack.seed.managementKey,
      HALYARD_KEY: stack.seed.environments.production.serverKey,
      HALYARD_ORG: 'demo',
      HALYARD_PROJECT: 'shop',
      HALYARD_ENV: 'production',
    },
  })
  return stdout
}

/** Brings a flagd file in as people do: as a file of flags, which is applied. */
export async function importFlagd(stack: Stack, file: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-import-'))
  const out = join(folder, 'flags.yaml')
  await runCli(stack, ['import', 'flagd', file, '--out', out])
  await runCli(stack, ['apply', out, '--yes'])
  rmSync(folder, { recursive: true })
}

/** A stream as a server SDK opens it: its messages so far, and a wait for one that fits. */
export function openStream(stack: Stack, key: string) {
  const socket = new WebSocket(`${stack.urls.edge.replace('http', 'ws')}/v1/stream`, {
    protocols: ['halyard.v1'],
    headers: { authorization: `Bearer ${key}` },
  } as never) // undici takes headers, which the DOM's type does not know
  const messages: ServerClassMessage[] = []
  socket.addEventListener('message', (event) => messages.push(JSON.parse(String(event.data))))
  return {
    socket,
    messages,
    next: (fits: (message: ServerClassMessage) => boolean) =>
      until(
        async () => messages.find(fits),
        (message) => message !== undefined,
      ),
  }
}
