import { join } from 'node:path'
import { rollup, type RollupLog } from 'rollup'
import { dts } from 'rollup-plugin-dts'
import { fault } from './fault.ts'
import type { SdkEntry } from './pack-sdk.ts'
import { writeOutSchemas } from './pack-schema-types.ts'
import { projectRoot } from './run-tool.ts'

/** Bundles the declarations of the entries into `folder`, so that nothing of the workspace has to be there. */
export async function bundleTypes(entries: readonly SdkEntry[], folder: string): Promise<void> {
  const bundle = await rollup({
    input: Object.fromEntries(entries.map(({ name, file }) => [name, file])),
    plugins: [
      dts({
        tsconfig: join(projectRoot, 'sdk/tsconfig.pack.json'),
        compilerOptions: { paths: { '@halyard/*': [join(projectRoot, '*')] } },
        includeExternal: ['jose'],
      }),
    ],
    onwarn: refuse,
  })
  const { output } = await bundle.write({
    dir: folder,
    entryFileNames: '[name].d.ts',
    chunkFileNames: 'chunks/[name].d.ts',
  })
  await bundle.close()
  writeOutSchemas(output.map(({ fileName }) => join(folder, fileName)))
}

function refuse(warning: RollupLog): never {
  throw fault(`The declarations do not bundle: ${warning.message}`, 'Look at what the entry exports')
}
