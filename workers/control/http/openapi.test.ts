import { expect, test } from 'vitest'
import { api, type Operation } from '@halyard/shared/contract/api.ts'
import { useKit } from '../test-kit.ts'

const kit = useKit()

interface Operated {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly parameters: readonly { name: string; in: string; required: boolean; schema: object }[]
  readonly requestBody?: { content: Record<string, { schema: object }> }
  readonly responses: Record<
    string,
    { content?: Record<string, { schema: object }>; headers?: object; $ref?: string }
  >
}

// oxlint-disable-next-line typescript/no-explicit-any -- it is the document that is looked into
type Document = any

const read = async (): Promise<Document> => await kit.ok('GET', '/openapi.json', { token: null })
const operationsOf = (document: Document) =>
  Object.entries<Record<string, Operated>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

test('every operation of the contract is described once, under its own id', async () => {
  const found = operationsOf(await read()).map(({ path, method, operation }) => [
    operation.operationId,
    `${method} ${path}`,
  ])
  const expected = Object.entries(api).map(([operation, endpoint]) => [
    operation,
    `${endpoint.method.toLowerCase()} ${endpoint.path.replaceAll(/:(\w+)/g, '{$1}')}`,
  ])
  expect(found.toSorted()).toEqual(expected.toSorted())
})

test('every reference leads somewhere, and every component is used', async () => {
  const document = await read()
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
    ([, target = '']) => target,
  )
  expect(references.length).toBeGreaterThan(50)
  for (const target of references) {
    const part = target.split('/').reduce((at, name) => at?.[name], document)
    expect({ target, type: typeof part }).toEqual({ target, type: 'object' })
  }
  const components = Object.keys(document.components.schemas).map((name) => `components/schemas/${name}`)
  expect(components.filter((name) => !references.includes(name))).toEqual([])
})

test('the parameters of a path are exactly those that are declared, and required', async () => {
  for (const { path, operation } of operationsOf(await read())) {
    const declared = operation.parameters.filter((parameter) => parameter.in === 'path')
    expect(declared.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? [])
    expect(declared.every(({ required, schema }) => required && Object.keys(schema).length > 0)).toBe(true)
    const names = operation.parameters.map((parameter) => `${parameter.in} ${parameter.name}`)
    expect(names).toEqual([...new Set(names)])
  }
})

test('an operation declares its headers, its answer and the problems', async () => {
  for (const { method, operation } of operationsOf(await read())) {
    const endpoint = api[operation.operationId as Operation]
    const headers = operation.parameters
      .filter((parameter) => parameter.in === 'header')
      .map(({ name }) => name)
    expect(headers.includes('If-Match')).toBe(method === 'patch')
    expect(headers.includes('Idempotency-Key')).toBe(method !== 'get')
    const answer = operation.responses[String('status' in endpoint ? endpoint.status : 200)]
    expect(answer?.content?.['application/json']?.schema).toBeTypeOf('object')
    expect(answer?.headers !== undefined).toBe('etag' in endpoint)
    expect(operation.responses['default']).toEqual({ $ref: '#/components/responses/Problem' })
    expect(operation.requestBody !== undefined).toBe('body' in endpoint || 'bytes' in endpoint)
  }
})

test('what has a default may be left out of a body', async () => {
  const { schemas } = (await read()).components
  expect(schemas.Split.required).toEqual(['weights'])
  expect(schemas.Override.required).toEqual(['values', 'variant'])
  expect(schemas.FlagCreate.required).toEqual(['key'])
})

test('a tree of conditions refers to itself', async () => {
  const { schemas } = (await read()).components
  expect(JSON.stringify(schemas.Condition)).toContain('"$ref":"#/components/schemas/Condition"')
})

test('document and reference page need no token, and name the server they came from', async () => {
  expect((await read()).servers).toEqual([{ url: 'http://control/api/v1' }])
  const page = await kit.call('GET', '/reference', { token: null })
  expect(page.headers.get('content-type')).toContain('text/html')
  for (const { summary } of Object.values(api)) expect(page.text).toContain(summary)
})
