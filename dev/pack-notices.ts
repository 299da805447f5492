import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Metafile } from 'esbuild'
import { fault } from './fault.ts'
import { projectRoot } from './run-tool.ts'

/** Writes the licences of the packages that a bundle contains; throws if one says none. */
export function writeNotices(metafile: Metafile, folder: string): void {
  const packages = new Set(
    Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs).map(packageOf)),
  )
  const notices = [...packages]
    .filter((each) => each !== null)
    .toSorted()
    .map(describe)
  const opening = 'This package contains, besides its own code under the LICENSE beside this file:\n'
  writeFileSync(join(folder, 'THIRD-PARTY-NOTICES'), [opening, ...notices].join('\n'))
}

/** The folder of the package that a file is of; null: one of ours, or none. */
function packageOf(input: string): string | null {
  return /^(?!.*:).*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(input)?.[0] ?? null
}

function describe(path: string): string {
  const folder = resolve(projectRoot, path)
  const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  if (typeof license !== 'string')
    throw fault(`${name} comes without a licence`, 'Ask its authors, or do without it')
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each))
  const text =
    file === undefined
      ? `By ${author?.name ?? author ?? 'its authors'}; the package holds no copy of its licence.`
      : readFileSync(join(folder, file), 'utf8').trim()
  return `--- ${name} ${version} (${license})\n\n${text}\n`
}
