/** For tests: the CLI as a process, beside the real management API on a database of its own. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, expect } from 'vitest'
import { makeApp } from '../workers/control/app.ts'
import { makeShop, useKit, type Kit } from '../workers/control/test-kit.ts'
import { runCli, type Ran } from './test-kit.ts'

export interface CliApi {
  readonly kit: Kit
  readonly url: string
  /** As an admin of `acme`, in `shop` and `development`, unless the arguments or variables say otherwise. */
  readonly cli: (
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
    folder?: string,
  ) => Promise<Ran>
  /** Must end well; what `--json` prints. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests look into any answer
  readonly json: (...args: string[]) => Promise<any>
  /** Must end well; what people are shown. */
  readonly told: (...args: string[]) => Promise<string>
  /** From now on requests for which this gives false are cut off. */
  readonly onRequest: (listener: (request: IncomingMessage) => boolean) => void
}

/** Starts before all tests of a file; the project `shop` has the flags `checkout` and `banner`, `production` is protected. */
export function useApi(): CliApi {
  const kit = useKit()
  const held = { url: '', listener: (_request: IncomingMessage) => true }
  const server = createServer((request, response) => {
    if (held.listener(request)) void answer(kit, request, response)
    else request.socket.destroy()
  })
  beforeAll(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    held.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens on a port
    await makeShop(kit)
    const path = '/orgs/acme/projects/shop/environments/production'
    await kit.ok('PATCH', path, { body: { protected: true }, headers: { 'if-match': '*' } })
  })
  afterAll(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  const cli: CliApi['cli'] = async (args, env = {}, folder) => {
    const place = { HALYARD_ORG: 'acme', HALYARD_PROJECT: 'shop', HALYARD_ENV: 'development' }
    const variables = { HALYARD_API_URL: held.url, HALYARD_TOKEN: kit.token, ...place, ...env }
    return await runCli(args, variables, ...(folder === undefined ? [] : [folder]))
  }
  const told = async (...args: string[]) => {
    const { code, stdout, stderr } = await cli(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    return stdout
  }
  const json = async (...args: string[]) => JSON.parse(await told(...args, '--json'))
  return {
    kit,
    cli,
    json,
    told,
    onRequest: (listener) => void (held.listener = listener),
    get url() {
      return held.url
    },
  }
}

async function answer(kit: Kit, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request)
  const { method = '', url = '', headers } = request
  const whole = new Request(`http://control${url}`, {
    method,
    headers: Object.entries(headers).map(([name, value]) => [name, String(value)]),
    ...(body.length > 0 && { body: new Uint8Array(body) }),
  })
  const pending: Promise<unknown>[] = []
  const answered = await makeApp(kit.deps, (work) => void pending.push(work)).fetch(whole)
  const bytes = new Uint8Array(await answered.arrayBuffer())
  await Promise.all(pending)
  response.writeHead(answered.status, Object.fromEntries(answered.headers))
  response.end(bytes)
}
