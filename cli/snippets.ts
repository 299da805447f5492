/** The first lines of code for a kind of project. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export type ProjectKind = 'react' | 'hono' | 'express' | 'worker' | 'node' | 'other'

interface Wanted {
  readonly flag: string
  readonly edge: string | undefined
}

/** By what its package.json names; `other` without one. */
export function detectKind(folder: string): ProjectKind {
  const manifest = readManifest(folder)
  if (manifest === null) return 'other'
  const names = { ...manifest.dependencies, ...manifest.devDependencies }
  const has = (name: string) => Object.hasOwn(names, name)
  if (has('hono')) return 'hono'
  if (has('express')) return 'express'
  if (has('react')) return 'react'
  return has('wrangler') ? 'worker' : 'node'
}

/** What to install and write, line by line. */
export function makeSnippet(kind: ProjectKind | 'local', { flag, edge }: Wanted): string[] {
  return bodies[kind](flag, edge ?? 'https://flags.example.com')
}

const install = ['npm install @halyard/sdk', '']

const bodies = {
  node: (flag, edge) => [
    ...startOfServer(edge),
    `console.log(client.boolean('${flag}', false, { targetingKey: 'user-1' }))`,
  ],
  hono: (flag, edge) => [
    ...startOfServer(edge, `import { halyard } from '@halyard/sdk/hono'`),
    `app.use(halyard({ client, context: (c) => ({ targetingKey: c.req.header('x-user') ?? 'nobody' }) }))`,
    `app.get('/', (c) => c.text(c.get('flags').boolean('${flag}', false) ? 'new' : 'old'))`,
  ],
  express: (flag, edge) => [
    ...startOfServer(edge, `import { halyard } from '@halyard/sdk/express'`),
    `app.use(halyard({ client, context: (req) => ({ targetingKey: req.get('x-user') ?? 'nobody' }) }))`,
    `app.get('/', (req, res) => void res.send(req.flags.boolean('${flag}', false) ? 'new' : 'old'))`,
  ],
  react: (flag, edge) => [
    ...install,
    `import { HalyardProvider, useFlag } from '@halyard/sdk/react'`,
    '',
    `const options = { edge: '${edge}', key: 'hyd_cli_…', context: { targetingKey: 'user-1' } }`,
    `const Page = () => (useFlag('${flag}', false) ? <p>new</p> : <p>old</p>)`,
    'root.render(<HalyardProvider options={options}><Page /></HalyardProvider>)',
  ],
  worker: (flag, edge) => [
    ...install,
    `import { env } from 'cloudflare:workers'`,
    `import { createClient } from '@halyard/sdk/workers'`,
    '',
    `const client = createClient({ edge: '${edge}', key: env.HALYARD_KEY })`,
    'export default {',
    '  async fetch() {',
    '    await client.ready()',
    `    return new Response(client.boolean('${flag}', false, { targetingKey: 'user-1' }) ? 'new' : 'old')`,
    '  },',
    '}',
  ],
  local: (flag) => [
    ...install,
    `import { createLocalClient } from '@halyard/sdk/local'`,
    '',
    `const client = createLocalClient({ file: 'flags.json' })`,
    `console.log(client.boolean('${flag}', false, { targetingKey: 'user-1' }))`,
  ],
  other: (flag, edge) => [
    'Any OpenFeature SDK with its OFREP provider, or by hand:',
    '',
    `curl -X POST ${edge}/ofrep/v1/evaluate/flags/${flag} \\`,
    '  -H "Authorization: Bearer $HALYARD_KEY" -H "Content-Type: application/json" \\',
    `  -d '{"context": {"targetingKey": "user-1"}}'`,
  ],
} as const satisfies Record<ProjectKind | 'local', (flag: string, edge: string) => string[]>

function startOfServer(edge: string, ...imports: readonly string[]): string[] {
  return [
    ...install,
    `import { createClient } from '@halyard/sdk/server'`,
    ...imports,
    '',
    `const client = createClient({ edge: '${edge}', key: process.env.HALYARD_KEY ?? '' })`,
    'await client.ready({ timeoutMs: 2000 })',
  ]
}

interface Manifest {
  readonly dependencies?: object
  readonly devDependencies?: object
}

function readManifest(folder: string): Manifest | null {
  try {
    const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return typeof manifest === 'object' ? manifest : null
  } catch {
    return null // none, or none that can be read: no reason to stop
  }
}
