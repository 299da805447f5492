/**
 * `npm run reference`: writes what there is to know of each name that users import, and of each command, from its docstrings
 * and its help. `--check` says whether what is there is that.
 */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describeCli } from './describe-cli.ts'
import { describeSdk } from './describe-sdk.ts'
import { failWith, fault } from './fault.ts'
import { findSdkEntries } from './pack-sdk.ts'
import { projectRoot } from './run-tool.ts'

const folder = join(projectRoot, 'docs', 'reference')

await main(process.argv.slice(2)).catch(failWith)

async function main([option]: readonly string[]): Promise<void> {
  const entries = findSdkEntries()
  const sdk = describeSdk(entries)
  const pages = new Map([...sdk, ['cli.md', describeCli()], ['README.md', listPages([...sdk.keys()])]])
  const present = globSync('**/*.md', { cwd: folder })
  const stale = [...pages].filter(([path, text]) => read(path) !== text).map(([path]) => path)
  const extra = present.filter((path) => !pages.has(path))
  if (option === '--check') {
    const wrong = [...stale, ...extra].map((path) => `docs/reference/${path}`)
    if (wrong.length > 0)
      throw fault(`${wrong.join(', ')} is not what the code says`, 'Run npm run reference')
    return
  }
  for (const path of extra) rmSync(join(folder, path))
  for (const path of stale) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), pages.get(path) ?? '') // it is one of them
  }
}

function listPages(sdk: readonly string[]): string {
  const names = sdk.toSorted().map((path) => `- [@halyard/${path.replace('.md', '')}](${path})`)
  return `# Reference

Written by \`npm run reference\` from docstrings and help: edit those.

${names.join('\n')}
- [the commands of \`halyard\`](cli.md)
`
}

function read(path: string): string | null {
  const file = join(folder, path)
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}
