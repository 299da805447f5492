import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { build, type Metafile, type Plugin } from 'esbuild'
import { projectRoot } from './run-tool.ts'

/**
 * Bundles the CLI into one file for Node 20. CommonJS, because what a command needs of Node then loads with it, not at each
 * start. The operator's commands stay here: they need the server's own code. */
export async function bundleCli(version: string, folder: string): Promise<Metafile> {
  const outfile = join(folder, 'halyard.cjs')
  const { metafile } = await build({
    entryPoints: [join(projectRoot, 'cli', 'main.ts')],
    outfile,
    absWorkingDir: projectRoot,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    mainFields: ['module', 'main'],
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true, // a third less to read at each start
    legalComments: 'none', // THIRD-PARTY-NOTICES has them
    define: { HALYARD_VERSION: JSON.stringify(version) },
    plugins: [withoutAdmin],
    metafile: true,
    logLevel: 'warning',
  })
  chmodSync(outfile, 0o755)
  return metafile
}

const withoutAdmin: Plugin = {
  name: 'without-admin',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/cli\/commands\/admin\.ts$/ }, () => ({
      contents: 'export const addAdmin = () => {}',
    }))
  },
}
