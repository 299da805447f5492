import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fault } from '../../dev/fault.ts'

const folder = fileURLToPath(new URL('..', import.meta.url))

/** Installs the packages of bench/package.json, unless they are there, and gives their versions. */
export function installPeers(): Readonly<Record<string, string>> {
  const wanted = wantedVersions()
  if (Object.entries(wanted).every(([name, version]) => installedVersion(name) === version)) return wanted
  console.error('halyard: installing the products to measure against (first run only) ...')
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=1']
  const { status, error, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw explain(error?.message ?? stderr)
  return wanted
}

function wantedVersions(): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).dependencies
}

function installedVersion(name: string): string | undefined {
  const path = join(folder, 'node_modules', name, 'package.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).version : undefined
}

function explain(output: string): Error {
  if (/ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH/.test(output)) {
    return fault(
      'The npm registry cannot be reached, so the peers cannot be installed',
      'Check the network, or leave them out: npm run bench -- engine --no-peers',
    )
  }
  return fault(`The peers in bench/ cannot be installed:\n${output.trim()}`, 'npm says why')
}
