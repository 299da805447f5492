/** For tests: a server on a free loopback port, and the CLI as a process. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export interface Seen {
  readonly method: string
  /** Path and query, as sent. */
  readonly url: string
  readonly headers: IncomingMessage['headers']
  /** Parsed, if there was one. */
  readonly body: unknown
}

export interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON; a text as it stands. */
  readonly body?: unknown
  /** The connection is cut instead. */
  readonly isCut?: boolean
}

export interface TestServer extends AsyncDisposable {
  readonly url: string
  readonly seen: Seen[]
  readonly http: Server
}

/** Answers by a function of the request, of which all are kept. */
export async function startServer(answer: (seen: Seen, count: number) => Answer): Promise<TestServer> {
  const seen: Seen[] = []
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const text = await readAll(request)
    const { method = '', url = '', headers } = request
    const one = { method, url, headers, body: text === '' ? undefined : JSON.parse(text) }
    seen.push(one)
    const { status = 200, headers: extra = {}, body, isCut = false } = answer(one, seen.length)
    if (isCut) return void request.socket.destroy()
    response.writeHead(status, { 'content-type': 'application/json', ...extra })
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  const http = createServer((request, response) => void handle(request, response))
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo // it listens on a port
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    http,
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly ended: Promise<Ran>
  readonly stdout: () => string
  readonly kill: (signal: NodeJS.Signals) => void
  /** From now on nobody reads its stdout. */
  readonly hangUp: () => void
}

const main = fileURLToPath(new URL('main.ts', import.meta.url))

/** A folder with nothing above it that the CLI would read; it is gone after the test. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-cli-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function startCli(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  folder: string = emptyFolder(),
): Running {
  const child = spawn(process.execPath, [main, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data) => (stdout += String(data)))
  child.stderr.on('data', (data) => (stderr += String(data)))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr })) // as documented
  return {
    ended,
    stdout: () => stdout,
    kill: (signal) => void child.kill(signal),
    hangUp: () => void child.stdout.destroy(),
  }
}

/** Runs the CLI to its end. */
export async function runCli(...given: Parameters<typeof startCli>): Promise<Ran> {
  return await startCli(...given).ended
}

/** Waits until something is so; the test's own timeout ends it. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 10)) // oxlint-disable-line no-await-in-loop
}

async function readAll(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}
