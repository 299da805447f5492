import { expect, test } from 'vitest'
import * as z from 'zod'
import { sha256Hex } from '../protocol/hash.ts'
import { api } from './api.ts'
import { pathParameters, type Endpoint } from './endpoint.ts'
import { manifestEndpoints } from './manifest-endpoints.ts'
import { Problem, problems } from './problems.ts'
import { ClientClassMessage, ClientMessage, ServerClassMessage } from './stream.ts'
import { EventBatch, UsageMessage } from './usage.ts'

/**
 * What crosses a wire, as a hash of its JSON Schemas. It moves when a client may have to change: decide whether old
 * clients can live with it (a new optional field of an answer) or need a new version (anything else), say so in the
 * change, and put the new hash here.
 */
const known = {
  api: 'afc70dc6fd369354',
  stream: 'dd5ef997b79c7a44',
  events: '05157e1b459583bd',
  manifest: '6e4f995f1e1452e8',
  problems: '400e13cc7bf55677',
}

test('a change of what crosses the wires is deliberate', async () => {
  const wires = {
    api: describeAll(api),
    manifest: describeAll(manifestEndpoints),
    stream: {
      toServers: schemaOf(ServerClassMessage),
      toClients: schemaOf(ClientClassMessage),
      fromReaders: schemaOf(ClientMessage),
    },
    events: { batch: schemaOf(EventBatch, 'input'), queued: schemaOf(UsageMessage) },
    problems: { problems, schema: schemaOf(Problem) },
  }
  const hashes: Record<string, string> = {}
  for (const [name, wire] of Object.entries(wires))
    hashes[name] = (await sha256Hex(JSON.stringify(wire))).slice(0, 16)
  expect(hashes).toEqual(known)
})

test('every text, list and number that a client sends has a bound', () => {
  const unbounded: string[] = []
  for (const [operation, { query, body }] of Object.entries<Endpoint>({ ...api, ...manifestEndpoints })) {
    for (const [where, schema] of Object.entries({ query, body }))
      if (schema) collectUnbounded(schemaOf(schema, 'input'), `${operation} ${where}`, unbounded)
  }
  expect(unbounded).toEqual([])
})

test('each address and method is one operation, and each parameter of a path has a schema', () => {
  const addresses = Object.values<Endpoint>(api).map(({ method, path }) => `${method} ${path}`)
  expect(addresses).toEqual([...new Set(addresses)])
  const named = addresses.flatMap((address) => [...address.matchAll(/:(\w+)/g)].map(([, name]) => name))
  expect(new Set(named)).toEqual(new Set(Object.keys(pathParameters)))
})

function describeAll(endpoints: Readonly<Record<string, Endpoint>>) {
  return Object.fromEntries(
    Object.entries(endpoints).map(([operation, endpoint]) => [operation, describe(endpoint)]),
  )
}

function describe({ query, body, result, ...rest }: Endpoint) {
  return {
    ...rest,
    ...(query && { query: schemaOf(query, 'input') }),
    ...(body && { body: schemaOf(body, 'input') }),
    result: schemaOf(result),
  }
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output' = 'output') {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any' })
}

/** JSON Schema nodes that would take any size. A value that may be any JSON is measured when it is saved. */
function collectUnbounded(node: unknown, at: string, found: string[]): void {
  if (typeof node !== 'object' || node === null) return
  const {
    type,
    enum: members,
    const: constant,
    pattern,
    maxLength,
    maxItems,
    maximum,
  } = node as Record<string, unknown>
  const isFixed = members !== undefined || constant !== undefined
  if (type === 'string' && !isFixed && maxLength === undefined && !isBounded(pattern)) found.push(at)
  if (type === 'array' && maxItems === undefined) found.push(at)
  if (type === 'integer' && maximum === undefined) found.push(at)
  for (const [name, child] of Object.entries(node)) collectUnbounded(child, `${at}/${name}`, found)
}

/** A pattern without `*`, `+` or an open range matches texts of limited length only. */
function isBounded(pattern: unknown): boolean {
  return typeof pattern === 'string' && !/[*+]|\{\d+,\}/.test(pattern.replaceAll(/\\.|\[[^\]]*\]/g, ''))
}
