import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { build, type Metafile, type Plugin } from 'esbuild'
import { projectRoot } from './run-tool.ts'

export interface SdkEntry {
  /** As users import it: `@halyard/sdk/NAME`. */
  readonly name: string
  readonly file: string
}

const sdkFolder = join(projectRoot, 'sdk')

/** The entry points of the SDK: each folder of it that has an index. */
export function findSdkEntries(): readonly SdkEntry[] {
  return readdirSync(sdkFolder).flatMap((name) =>
    ['index.ts', 'index.tsx']
      .map((index) => join(sdkFolder, name, index))
      .filter((file) => existsSync(file))
      .map((file) => ({ name, file })),
  )
}

/**
 * Bundles the entries into `folder` as modules with the chunks they share. Node's own modules and the peers stay
 * imports, everything else is inside. Readable, with maps: a consumer's bundler makes it small.
 */
export async function bundleSdk(
  entries: readonly SdkEntry[],
  peers: readonly string[],
  folder: string,
): Promise<Metafile> {
  // Maps say where sources are from where the bundle lies: always from here, wherever it goes.
  const outdir = join(projectRoot, 'dist', 'npm', 'sdk')
  const { metafile, outputFiles } = await build({
    entryPoints: entries.map(({ name, file }) => ({ in: file, out: name })),
    outdir,
    write: false,
    absWorkingDir: projectRoot,
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[hash]',
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['import', 'module'],
    target: 'es2022',
    jsx: 'automatic',
    sourcemap: 'linked',
    legalComments: 'none', // THIRD-PARTY-NOTICES has them
    plugins: [importNode, keepZodInside],
    external: ['node:*', 'cloudflare:*', ...peers.flatMap((peer) => [peer, `${peer}/*`])],
    metafile: true,
    logLevel: 'warning',
  })
  for (const { path, contents } of outputFiles) {
    const file = join(folder, relative(outdir, path))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, contents)
  }
  return metafile
}

/** What a bundled CommonJS package requires of Node becomes an import, which there is in every module. */
const importNode: Plugin = {
  name: 'import-node',
  setup: ({ onResolve, onLoad }) => {
    const filter = new RegExp(`^(${builtinModules.filter((name) => !name.includes(':')).join('|')})$`)
    onResolve({ filter }, ({ path, kind }) =>
      kind === 'require-call' ? { path, namespace: 'node' } : { path: `node:${path}`, external: true },
    )
    onLoad({ filter: /./, namespace: 'node' }, ({ path }) => ({
      contents: `export { default as 'module.exports' } from 'node:${path}'`,
    }))
  },
}

/** zod keeps settings on `globalThis`, shared with every other zod of the process: ours keeps its own. */
const keepZodInside: Plugin = {
  name: 'keep-zod-inside',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/zod\/v4\/core\/(core|registries)\.js$/ }, ({ path }) => ({
      contents: `const inside = {}\n${readFileSync(path, 'utf8').replaceAll('globalThis', 'inside')}`,
    }))
  },
}
