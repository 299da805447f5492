import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/**
 * Bundles the engine, and the floor beside it with a copy of its own of what they share, into `folder`: as it ships.
 * Node's stripping of types is no part of the product.
 */
export async function bundleEngine(folder: string): Promise<void> {
  await build({
    entryPoints: ['halyard.ts', 'floor.ts', 'own-scenarios.ts'],
    absWorkingDir: fileURLToPath(new URL('.', import.meta.url)),
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'es2024',
    logLevel: 'warning',
  })
}
