import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './run-tool.ts'

/** A package.json as it is published. */
export interface Manifest extends Readonly<Record<string, unknown>> {
  readonly name: string
  readonly version: string
}

interface Source {
  readonly name: string
  readonly description: string
  readonly keywords: readonly string[]
}

/** What the SDK works with where a project has it: none of it is installed along. */
export const sdkPeers = {
  '@openfeature/core': '^1.9.0',
  '@openfeature/server-sdk': '^1.19.0',
  '@openfeature/web-sdk': '^1.6.0',
  express: '^4.18.0 || ^5.0.0',
  hono: '^4.0.0',
  react: '^18.0.0 || ^19.0.0',
} as const

/** The SDK's: each entry is a path of its own, and there is no other. */
export function makeSdkManifest(entries: readonly string[], hasSchema: boolean): Manifest {
  const paths = entries.map((name) => [`./${name}`, { types: `./${name}.d.ts`, default: `./${name}.js` }])
  const schema = './local/flags.schema.json'
  return {
    ...makeManifest('sdk/package.json'),
    sideEffects: false,
    exports: {
      ...Object.fromEntries(paths),
      ...(hasSchema && { [schema]: schema }),
      './package.json': './package.json',
    },
    peerDependencies: sdkPeers,
    peerDependenciesMeta: Object.fromEntries(Object.keys(sdkPeers).map((name) => [name, { optional: true }])),
  }
}

/** The CLI's: one program, nothing to import. */
export function makeCliManifest(): Manifest {
  return {
    ...makeManifest('cli/package.json'),
    bin: { halyard: 'halyard.cjs' },
    exports: { './package.json': './package.json' },
  }
}

/** Both have the version of the project. */
function makeManifest(path: string): Manifest {
  const { name, description, keywords } = read(path)
  const { version, license, engines }: Manifest = JSON.parse(
    readFileSync(join(projectRoot, 'package.json'), 'utf8'),
  )
  return {
    name,
    version,
    description,
    keywords,
    license,
    type: 'module',
    engines,
    publishConfig: { access: 'public' },
    ...readRepository(),
  }
}

/** Known where a release is made: provenance has to name the repository that it comes from. */
function readRepository() {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env
  return name !== undefined && { repository: { type: 'git', url: `git+${server}/${name}.git` } }
}

function read(path: string): Source {
  return JSON.parse(readFileSync(join(projectRoot, path), 'utf8'))
}
