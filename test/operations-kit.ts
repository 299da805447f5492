/** The whole product on bare workerd, which can be stopped, changed underneath, and started again, for tests. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll } from 'vitest'
import { startBareStack, type BareStack } from '../dev/bare-stack.ts'
import { buildWorkersOnce } from './run-once.ts'

const environment = '/orgs/demo/projects/shop/environments/production'
export const toggle = `${environment}/flags/new-checkout/toggle`

/** Starts before all tests of a file, with built Workers, and stops after them. */
export function useBareStack() {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-operations-'))
  const stateDir = join(folder, 'state')
  let stack: BareStack | undefined
  const running = () => {
    if (!stack) throw new Error('the stack starts before the tests')
    return stack
  }
  const start = async () => {
    stack = await startBareStack({ stateDir, built: await buildWorkersOnce() })
  }
  beforeAll(start)
  afterAll(async () => {
    await stack?.stop()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    stateDir,
    running,
    /** Everything anew, as after a deploy, on the state that it left; `change` happens in between. */
    restart: async (change: () => Promise<void> | void) => {
      await running().stop()
      await change()
      await start()
    },
    api: (method: string, path: string, body?: object) => callControl(running(), method, path, body),
    admin: (...args: string[]) => runAdmin(running(), args),
    edge: async (path: string, init: RequestInit = {}) =>
      await fetch(running().urls.edge + path, {
        headers: { authorization: `Bearer ${running().seed.environments.production.serverKey}` },
        ...init,
      }),
  }
}

async function callControl({ urls, seed }: BareStack, method: string, path: string, body?: object) {
  const response = await fetch(`${urls.control}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${seed.managementKey}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  // The tests look at what they expect.
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

/** A process of its own, signed in as the owner of the tables. */
async function runAdmin({ ownerUrl }: BareStack, args: readonly string[]): Promise<string> {
  const env = { ...process.env, MIGRATION_DATABASE_URL: ownerUrl }
  const { stdout } = await promisify(execFile)(process.execPath, ['cli/main.ts', 'admin', ...args], { env })
  return stdout
}
