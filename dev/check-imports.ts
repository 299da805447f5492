import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { failWith, fault } from './fault.ts'
import { findTool, projectRoot, readTool } from './run-tool.ts'

interface Report {
  readonly modules: readonly { readonly source: string }[]
  readonly summary: {
    readonly violations: readonly {
      readonly from: string
      readonly to: string
      readonly rule: { readonly name: string }
    }[]
  }
}

const folders = ['shared', 'workers', 'sdk', 'cli', 'console', 'admin', 'dev', 'bench', 'drills', 'test']
// Without a TypeScript that it knows, the cruiser reads no module and is content.
const modulesMin = 20

await main().catch(failWith)

/** Checks the import rules of `.dependency-cruiser.cjs`, and that TypeScript was read at all. */
async function main(): Promise<void> {
  const present = folders.filter((folder) => existsSync(join(projectRoot, folder)))
  const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...present]
  const { code, stdout, stderr } = await readTool(
    findTool('dependency-cruiser', 'depcruise'),
    args,
    process.env,
  )
  if (!stdout.startsWith('{'))
    throw fault(`dependency-cruiser failed with code ${code}: ${stderr.trim()}`, 'Mend its configuration')
  const { modules, summary }: Report = JSON.parse(stdout)
  for (const { rule, from, to } of summary.violations) console.error(`${rule.name}: ${from} -> ${to}`)
  if (summary.violations.length > 0)
    throw fault(`${summary.violations.length} imports break a rule`, 'The rules say why')
  const ours = modules.filter(({ source }) => source.endsWith('.ts') && !source.includes('node_modules'))
  if (ours.length < modulesMin)
    throw fault(`Only ${ours.length} modules were read`, 'Is this TypeScript known to dependency-cruiser?')
  console.log(`${ours.length} modules keep the import rules`)
}
