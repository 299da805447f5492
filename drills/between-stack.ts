import { build } from 'esbuild'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ReadAnswer } from '@halyard/shared/protocol/hub.ts'
import { startBareStack, type BareStack } from '../dev/bare-stack.ts'
import type { Order } from './between/spoil.ts'
import type { DrillRun } from './drill.ts'

export interface BetweenStack extends BareStack {
  /** From now on, until another order, also after workerd was replaced. */
  readonly order: (order: Order) => Promise<void>
  /** What stands in the place of a KV value (its name) or of the hub's answer (the environment's id). */
  readonly plant: (name: string, text: string) => Promise<void>
  /** The hub's true answer to a reader that holds nothing. */
  readonly readHub: (
    environment: string,
  ) => Promise<Required<Pick<ReadAnswer, 'body' | 'access'>> & ReadAnswer>
  /** What KV truly holds. */
  readonly readKv: (name: string) => Promise<string>
}

/** A stack where everything between edge, hub and KV passes a Worker that spoils it. */
export async function startBetweenStack({ built, folder }: DrillRun): Promise<BetweenStack> {
  const between = join(folder, 'between.js')
  await build({
    entryPoints: [fileURLToPath(new URL('between/main.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    external: ['cloudflare:*'],
    outfile: between,
    logLevel: 'error',
  })
  const stack = await startBareStack({ stateDir: join(folder, 'state'), built, between })
  const call = async (method: string, path: string, body?: string) => {
    const response = await fetch(`${stack.urls.between}${path}`, {
      method,
      ...(body !== undefined && { body }),
    })
    if (!response.ok) throw new Error(`the Worker between answered ${response.status}`)
    return await response.text()
  }
  return {
    ...stack,
    order: async (order) => void (await call('PUT', '/order', JSON.stringify(order))),
    plant: async (name, text) => void (await call('PUT', `/planted/${encodeURIComponent(name)}`, text)),
    readHub: async (environment) => JSON.parse(await call('GET', `/hub/${environment}`)),
    readKv: (name) => call('GET', `/kv/${encodeURIComponent(name)}`),
  }
}
