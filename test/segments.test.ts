import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startStack, type Stack } from '../dev/stack.ts'
import { buildWorkersOnce } from './run-once.ts'
import { callApi, project, until } from './stack-kit.ts'

const production = `${project}/environments/production`
const members = `${production}/segments/customers/members`
const folder = mkdtempSync(join(tmpdir(), 'halyard-segments-'))
let built: string
let stack: Stack

beforeAll(async () => {
  built = await buildWorkersOnce()
  stack = await startStack({ stateDir: join(folder, 'state'), built })
})

afterAll(async () => {
  await stack.stop()
  rmSync(folder, { recursive: true, force: true })
})

test('an upload goes on where a stack that was stopped left it, and its list decides at the edge', async () => {
  const lines = Array.from({ length: 300_000 }, (_, i) => `customer-${i}\r\n`).join('')
  const bytes = new TextEncoder().encode(`id\r\n${lines}`)
  const size = 1024 * 1024
  const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
    bytes.slice(i * size, (i + 1) * size),
  )
  await makeFlag()
  for (const part of parts.keys()) if (part !== 1) await upload(part + 1, parts[part])
  await stack.stop()

  stack = await startStack({ stateDir: join(folder, 'state'), built })
  const { uploads } = await callApi<{ uploads: { missing: number[] }[] }>(
    stack,
    'GET',
    `${members}?upload=crm`,
  )
  expect(uploads.map(({ missing }) => missing)).toEqual([[2]])
  await upload(2, parts[1])
  const commit = { upload: 'crm', parts: parts.length }
  const { count, hash } = await callApi<{ count: number; hash: string }>(
    stack,
    'POST',
    `${members}/commit`,
    commit,
  )
  expect(count).toBe(300_000)
  expect(await settled('customer-0', 'on')).toMatchObject({ value: true, reason: 'TARGETING_MATCH' })
  for (const customer of ['customer-299999', 'customer-131072']) expect(await variantOf(customer)).toBe('on')
  for (const stranger of ['customer-300000', 'id', '']) expect(await variantOf(stranger)).toBe('off')

  const blob = await atEdge('GET', `/v1/blobs/${hash}`)
  expect((await blob.arrayBuffer()).byteLength).toBe(300_000 * 8)

  await callApi(stack, 'PATCH', members, { add: ['new-customer'], remove: ['customer-7'] })
  await settled('new-customer', 'on')
  expect(await variantOf('customer-7')).toBe('off')
  expect(await variantOf('customer-8')).toBe('on')
})

/** A flag that is on for the members of a segment. */
async function makeFlag() {
  await callApi(stack, 'POST', `${project}/segments`, { key: 'customers' })
  const state = { enabled: true, rules: [{ when: { segment: 'customers' }, serve: { variant: 'on' } }] }
  const flag = {
    key: 'for-customers',
    environments: { production: { ...state, fallthrough: { variant: 'off' } } },
  }
  await callApi(stack, 'POST', `${project}/flags`, flag)
}

async function upload(part: number, bytes = new Uint8Array()) {
  const response = await fetch(`${stack.urls.control}/api/v1${members}?upload=crm&part=${part}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${stack.seed.managementKey}`, 'content-type': 'text/csv' },
    body: bytes,
  })
  expect({ status: response.status, text: response.ok ? '' : await response.text() }).toEqual({
    status: 200,
    text: '',
  })
}

async function atEdge(method: string, path: string, body?: object) {
  return await fetch(`${stack.urls.edge}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${stack.seed.environments.production.serverKey}`,
      'content-type': 'application/json',
    },
    ...(body && { body: JSON.stringify(body) }),
  })
}

async function decisionFor(targetingKey: string): Promise<{ variant?: string }> {
  const context = { targetingKey }
  const answer = await atEdge('POST', '/ofrep/v1/evaluate/flags/for-customers', { context })
  return (await answer.json()) as { variant?: string } // the tests look at what they expect
}

const variantOf = async (targetingKey: string) => (await decisionFor(targetingKey)).variant
const settled = (targetingKey: string, variant: string) =>
  until(
    () => decisionFor(targetingKey),
    (decision) => decision.variant === variant,
  )
