import type { BareStack } from '../dev/bare-stack.ts'

/** One request to the management API; the path is under `/api/v1`. Throws on any refusal. */
export async function callApi<Body>(
  { urls, seed }: BareStack,
  request: { readonly method: string; readonly path: string; readonly body?: object | string },
): Promise<Body> {
  const { method, path, body } = request
  const isText = typeof body === 'string'
  const response = await fetch(`${urls.control}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${seed.managementKey}`,
      'content-type': isText ? 'text/csv' : 'application/json',
    },
    ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text.slice(0, 500)}`)
  return JSON.parse(text) as Body // as the API documents
}

/** Toggles a flag of the demo project; answers the version that it made. */
export async function toggle(stack: BareStack, environment: string, flag = 'new-checkout'): Promise<string> {
  const path = `/orgs/demo/projects/shop/environments/${environment}/flags/${flag}/toggle`
  const { versions } = await callApi<{ versions: Record<string, string> }>(stack, {
    method: 'POST',
    path,
    body: {},
  })
  return versions[environment] ?? ''
}
