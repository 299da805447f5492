import type { BareStack } from '../dev/bare-stack.ts'

export interface Written {
  readonly status: number
  /** Null if it was not acknowledged. */
  readonly version: string | null
  readonly ms: number
}

/** Toggles `new-checkout` in one environment; a problem, or no answer, is an answer too (status 0). */
export async function toggleOnce(
  { urls, seed }: Pick<BareStack, 'urls' | 'seed'>,
  environment: string,
  withinMs = 60_000,
): Promise<Written> {
  const start = performance.now()
  const path = `/api/v1/orgs/demo/projects/shop/environments/${environment}/flags/new-checkout/toggle`
  try {
    const response = await fetch(`${urls.control}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${seed.managementKey}`, 'content-type': 'application/json' },
      body: '{}',
      signal: AbortSignal.timeout(withinMs),
    })
    const { versions } = (await response.json()) as { versions?: Record<string, string> } // none in a problem
    const version = versions?.[environment] ?? null
    return { status: response.status, version, ms: performance.now() - start }
  } catch {
    return { status: 0, version: null, ms: performance.now() - start } // nobody answered in time
  }
}
