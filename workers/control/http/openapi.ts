/** The OpenAPI 3.1 document, made from the contract: it cannot differ from what the routes check. */
import * as z from 'zod'
import { api } from '@halyard/shared/contract/api.ts'
import { pathParameters, type Endpoint, type PathParameter } from '@halyard/shared/contract/endpoint.ts'
import { Problem } from '@halyard/shared/contract/problems.ts'

type JsonSchema = { readonly [name: string]: unknown }

const tags = [
  'Access',
  'Projects',
  'Environments',
  'Flags',
  'Flag states',
  'Segments',
  'Segment members',
  'Layers',
  'Evaluation',
  'Usage',
  'Versions',
  'Keys',
  'Audit',
  'Short forms',
]

/** `origin` is where this API is served. */
export function openApiDocument(origin: string) {
  const schemas = new Map<string, JsonSchema>()
  const paths: Record<string, Record<string, object>> = {}
  for (const [operationId, endpoint] of Object.entries<Endpoint>(api)) {
    const path = endpoint.path.replaceAll(/:([a-z]+)/gi, '{$1}')
    paths[path] ??= {}
    paths[path][endpoint.method.toLowerCase()] = operation(operationId, endpoint, schemas)
  }
  const problem = {
    description: 'A problem',
    content: { 'application/problem+json': { schema: toSchema(Problem, schemas) } },
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Halyard management API',
      version: '1',
      description:
        'Feature flags: projects, environments, flags, their states, keys and the audit. Evaluation for applications is at the edge.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: `${origin}/api/v1` }],
    security: [{ token: [] }],
    tags: tags.map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A management token, hyd_svc_…' },
      },
      responses: { Problem: problem },
      schemas: Object.fromEntries([...schemas].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    },
  }
}

function operation(operationId: string, endpoint: Endpoint, schemas: Map<string, JsonSchema>) {
  const { tag, summary, role, reach, body, bytes, result, status = 200, etag } = endpoint
  const headers = etag && { ETag: { description: 'For If-Match', schema: { type: 'string' } } }
  const content = { 'application/json': { schema: toSchema(result, schemas) } }
  return {
    operationId,
    tags: [tag],
    summary,
    description: `Needs role ${role}${reach ? `, and a token that reaches the whole ${reach}` : ''}.`,
    parameters: [
      ...pathParametersOf(endpoint, schemas),
      ...queryParametersOf(endpoint, schemas),
      ...headersOf(endpoint),
    ],
    ...(body && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: toSchema(body, schemas) } },
      },
    }),
    ...(bytes && {
      requestBody: { required: true, content: Object.fromEntries(bytes.map((type) => [type, {}])) },
    }),
    responses: {
      [status]: { description: 'Done', ...(headers && { headers }), content },
      default: { $ref: '#/components/responses/Problem' },
    },
  }
}

function pathParametersOf(endpoint: Endpoint, schemas: Map<string, JsonSchema>) {
  return [...endpoint.path.matchAll(/:([a-z]+)/gi)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: toSchema(pathParameters[name as PathParameter], schemas), // paths name no other parameters
  }))
}

function queryParametersOf({ query }: Endpoint, schemas: Map<string, JsonSchema>) {
  return Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: !(schema as z.ZodType).safeParse(undefined).success, // every member of a shape is a schema
    schema: toSchema(schema as z.ZodType, schemas),
  }))
}

function headersOf({ method, isWhole }: Endpoint) {
  const ifMatch = headerParameter('If-Match', 'The ETag that you read; * overwrites', !isWhole)
  const idempotency = headerParameter(
    'Idempotency-Key',
    'The same key and content gives the same answer',
    false,
  )
  return [...(method === 'PATCH' ? [ifMatch] : []), ...(method === 'GET' ? [] : [idempotency])]
}

function headerParameter(name: string, description: string, required: boolean) {
  return { name, in: 'header', required, description, schema: { type: 'string' } }
}

/**
 * The JSON Schema of a zod schema; those with an id become components and are referred to. Bodies and answers share
 * components, so that a field which has a default is optional in both.
 */
function toSchema(schema: z.ZodType, schemas: Map<string, JsonSchema>): JsonSchema {
  const { $schema: _, $defs = {}, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  for (const [id, definition] of Object.entries($defs)) schemas.set(id, rewrite(definition))
  const id = schema.meta()?.id
  if (id === undefined) return rewrite(json)
  if (!(id in $defs)) schemas.set(id, rewrite(json))
  return { $ref: `#/components/schemas/${id}` }
}

function rewrite(json: unknown): JsonSchema {
  const text = JSON.stringify(json, (name, value: unknown) =>
    name === 'id' && typeof value === 'string' ? undefined : value,
  )
  return JSON.parse(text.replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonSchema // an object in, an object out
}
