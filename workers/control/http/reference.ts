/** The API reference as one page: readable without scripts, made from the OpenAPI document. */
import { html, raw } from 'hono/html'
import { problems } from '@halyard/shared/contract/problems.ts'
import { openApiDocument } from './openapi.ts'

type Schema = { readonly [name: string]: unknown }

interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly description?: string
  readonly schema: Schema
}

interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description: string
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>
}

type Content = Readonly<Record<string, { readonly schema: Schema }>>

/** `origin` is where this API is served. */
export function referencePage(origin: string) {
  const document = openApiDocument(origin)
  const operations = Object.entries(document.paths).flatMap(
    ([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        path,
        method: method.toUpperCase(),
        ...(operation as Operation),
      })), // as openApiDocument makes them
  )
  const sections = document.tags.map(({ name }) => ({
    name,
    operations: operations.filter((o) => o.tags[0] === name),
  }))
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${document.info.title}</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        ${contents(sections)}
        <main>
          <h1>${document.info.title}</h1>
          <p>${document.info.description}</p>
          ${basics(origin)}
          ${sections.map(
            ({ name, operations: list }) =>
              html`<h2>${name}</h2>
                ${list.map((o) => operationBlock(origin, o))}`,
          )}
          ${problemTable()}
          <h2 id="schemas">Schemas</h2>
          ${Object.entries(document.components.schemas).map(
            ([name, schema]) =>
              html`<section id="schema-${name}">
                <h3>${name}</h3>
                ${describe(schema)}
              </section>`,
          )}
        </main>
      </body>
    </html>`
}

function contents(sections: readonly { name: string; operations: readonly Operation[] }[]) {
  const lists = sections.map(
    ({ name, operations }) =>
      html`<p>${name}</p>
        <ul>
          ${operations.map((o) => html`<li><a href="#${o.operationId}">${o.summary}</a></li>`)}
        </ul>`,
  )
  return html`<nav aria-label="Contents">
    <strong>Halyard API</strong>
    ${lists}
    <p>Reference</p>
    <ul>
      <li><a href="#problems">Problems</a></li>
      <li><a href="#schemas">Schemas</a></li>
    </ul>
  </nav>`
}

function basics(origin: string) {
  return html`<p>
      Base address <code>${origin}/api/v1</code>. Every request carries
      <code>Authorization: Bearer hyd_svc_…</code>. The machine-readable form of this page is
      <a href="/api/v1/openapi.json">openapi.json</a>.
    </p>
    <ul>
      <li>
        Every write answers with <code>versions</code>: the version of each environment, to ask the edge for.
      </li>
      <li><code>PATCH</code> is JSON merge and needs <code>If-Match</code> with the ETag that you read.</li>
      <li><code>Idempotency-Key</code> on any write makes it safe to repeat.</li>
      <li>
        Lists answer <code>items</code> and <code>nextCursor</code>; pass it as <code>cursor</code> for the
        next page.
      </li>
    </ul>`
}

function problemTable() {
  const rows = Object.entries(problems).map(
    ([code, { status, title }]) =>
      html`<tr id="${code}">
        <td><code>${code}</code></td>
        <td>${status}</td>
        <td>${title}</td>
      </tr>`,
  )
  return html`<h2 id="problems">Problems</h2>
    <p>
      Errors are <code>application/problem+json</code> (RFC 9457) with a stable <code>code</code> and, for
      invalid input, one entry a field.
    </p>
    <table>
      <thead>
        <tr>
          <th>code</th>
          <th>status</th>
          <th>meaning</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>`
}

function operationBlock(origin: string, operation: Operation & { path: string; method: string }) {
  const { operationId, method, path, summary, description, parameters, requestBody, responses } = operation
  const body = requestBody?.content['application/json']?.schema
  const [status = '200', response] = Object.entries(responses)[0] ?? []
  const result = response?.content?.['application/json']?.schema
  return html`<section id="${operationId}" class="operation">
    <h3>${summary}</h3>
    <p><code class="method">${method}</code> <code>${path}</code> <span class="note">${description}</span></p>
    ${
      parameters.length === 0
        ? ''
        : html`<table>
            <thead>
              <tr>
                <th>parameter</th>
                <th>in</th>
                <th>type</th>
                <th></th>
              </tr>
            </thead>
            <tbody>
              ${parameters.map(
                (p) =>
                  html`<tr>
                    <td><code>${p.name}</code></td>
                    <td>${p.in}</td>
                    <td>${typeOf(p.schema)}</td>
                    <td>
                      ${p.required ? 'required. ' : ''}${p.description ?? String(p.schema['description'] ?? '')}
                    </td>
                  </tr>`,
              )}
            </tbody>
          </table>`
    }
    ${
      body
        ? html`<h4>Body</h4>
            ${describe(body)}`
        : ''
    }
    ${
      result
        ? html`<h4>Answer ${status}</h4>
            ${describe(result)}`
        : ''
    }
    <pre>${example(origin, operation)}</pre>
  </section>`
}

/** A schema as a table of its fields, or its type in a line. */
function describe(schema: Schema): unknown {
  const properties = schema['properties'] as Readonly<Record<string, Schema>> | undefined // as JSON Schema says
  const note = typeof schema['description'] === 'string' ? html`<p>${schema['description']}</p>` : ''
  if (!properties)
    return html`${note}
      <p>${typeOf(schema)}</p>`
  const required = new Set(schema['required'] as readonly string[] | undefined) // as JSON Schema says
  return html`${note}
    <table>
      <thead>
        <tr>
          <th>field</th>
          <th>type</th>
          <th></th>
        </tr>
      </thead>
      <tbody>
        ${Object.entries(properties).map(
          ([name, field]) =>
            html`<tr>
              <td><code>${name}</code></td>
              <td>${typeOf(field)}</td>
              <td>${required.has(name) ? 'required. ' : ''}${String(field['description'] ?? '')}</td>
            </tr>`,
        )}
      </tbody>
    </table>`
}

function typeOf(schema: Schema): unknown {
  const reference = schema['$ref']
  if (typeof reference === 'string') {
    const name = reference.split('/').at(-1) ?? ''
    return html`<a href="#schema-${name}">${name}</a>`
  }
  const branches = (schema['anyOf'] ?? schema['oneOf']) as readonly Schema[] | undefined // as JSON Schema says
  if (branches) return branches.map((branch, i) => html`${i > 0 ? ' or ' : ''}${typeOf(branch)}`)
  if ('const' in schema) return html`<code>${JSON.stringify(schema['const'])}</code>`
  if (Array.isArray(schema['enum'])) return html`${schema['enum'].join(', ')}`
  if (schema['type'] === 'array') return html`list of ${typeOf((schema['items'] ?? {}) as Schema)}` // as JSON Schema says
  if (schema['type'] === 'object' && schema['properties']) {
    const names = Object.entries(schema['properties'] as Readonly<Record<string, Schema>>) // as JSON Schema says
    return html`{
    ${names.map(([name, field], i) => html`${i > 0 ? ', ' : ''}<code>${name}</code>: ${typeOf(field)}`)} }`
  }
  const bounds = [
    ['at least', schema['minimum'] ?? schema['minLength']],
    ['at most', schema['maximum'] ?? schema['maxLength']],
  ].flatMap(([word, bound]) =>
    bound === undefined || Math.abs(Number(bound)) > 1e15 ? [] : [`${String(word)} ${String(bound)}`],
  )
  return `${String(schema['type'] ?? 'any JSON')}${bounds.length > 0 ? ` (${bounds.join(', ')})` : ''}`
}

function example(
  origin: string,
  { method, path, requestBody }: Operation & { path: string; method: string },
): string {
  const address = path
    .replace('{org}', 'demo')
    .replace('{project}', 'shop')
    .replace('{environment}', 'development')
    .replace('{key}', 'new-checkout')
  const lines = [
    `curl ${method === 'GET' ? '' : `-X ${method} `}${origin}/api/v1${address}`,
    `  -H "Authorization: Bearer $HALYARD_TOKEN"`,
  ]
  if (method === 'PATCH') lines.push(`  -H 'If-Match: *'`)
  if (requestBody) lines.push(`  -H 'Content-Type: application/json' -d '{…}'`)
  return lines.join(' \\\n')
}

const style = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881}
body{margin:0;font:16px/1.5 system-ui,sans-serif;display:grid;grid-template-columns:17rem minmax(0,60rem);gap:2rem}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:1rem;border-right:1px solid var(--line);font-size:.9rem;box-sizing:border-box}
nav p{margin:1rem 0 .2rem;font-weight:600}nav ul{list-style:none;margin:0;padding:0}
main{padding:1rem 1rem 6rem}section{scroll-margin-top:1rem}
.operation{border-top:1px solid var(--line);margin-top:2rem}
.method{font-weight:700}.note{opacity:.7}
code,pre{font-family:ui-monospace,monospace;font-size:.88em}code{background:var(--soft);padding:.1em .3em;border-radius:4px}
pre{background:var(--soft);padding:.8rem;overflow:auto;border-radius:6px}
table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid var(--line)}
@media(max-width:50rem){body{display:block}nav{position:static;height:auto;border:0}}
`
