import { none } from '../web/make-calls.ts'
import type { WebClient } from '../web/web-client.ts'

interface Wait {
  readonly promise: Promise<void>
  isOver: boolean
}

const waitCache = new WeakMap<WebClient, Wait>()

/**
 * Suspends the component that renders until the client has flags, or 5 s have passed: for the first user, and for each
 * that has none after that. A server waits for nothing.
 */
export function waitForFlags(client: WebClient): void {
  if (client.all() !== none || !('document' in globalThis)) return void waitCache.delete(client)
  const wait = waitCache.get(client) ?? startWait(client)
  // oxlint-disable-next-line no-throw-literal -- how a component suspends in React 18 and 19
  if (!wait.isOver) throw wait.promise
}

function startWait(client: WebClient): Wait {
  const wait: Wait = { promise: finish(), isOver: false }
  waitCache.set(client, wait)
  return wait

  async function finish(): Promise<void> {
    await client.ready()
    wait.isOver = true
  }
}
