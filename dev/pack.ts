import { join, relative } from 'node:path'
import { failWith } from './fault.ts'
import { packPackages } from './pack-packages.ts'
import { projectRoot } from './run-tool.ts'

await main().catch(failWith)

/** `npm run pack`: what users install, into `dist/npm`: as folders to look at, and as the archives that are published. */
async function main(): Promise<void> {
  for (const tarball of Object.values(await packPackages(join(projectRoot, 'dist', 'npm'))))
    console.log(relative(projectRoot, tarball))
}
