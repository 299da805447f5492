import { execFile } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { bundleCli } from './pack-cli.ts'
import { makeCliManifest, makeSdkManifest, sdkPeers, type Manifest } from './pack-manifests.ts'
import { writeNotices } from './pack-notices.ts'
import { bundleSdk, findSdkEntries } from './pack-sdk.ts'
import { bundleTypes } from './pack-types.ts'
import { projectRoot } from './run-tool.ts'

/** The archives that `npm publish` takes, by package. */
export interface Packed {
  readonly sdk: string
  readonly cli: string
}

/** Builds the packages into `folder/{sdk,cli}`, and packs each beside them. */
export async function packPackages(folder: string): Promise<Packed> {
  rmSync(folder, { recursive: true, force: true })
  const [sdk, cli] = await Promise.all([packSdk(join(folder, 'sdk')), packCli(join(folder, 'cli'))])
  return { sdk, cli }
}

async function packSdk(into: string): Promise<string> {
  const entries = findSdkEntries()
  const metafile = await bundleSdk(entries, Object.keys(sdkPeers), into)
  await bundleTypes(entries, into)
  writeNotices(metafile, into)
  const schema = join(projectRoot, 'sdk', 'local', 'flags.schema.json')
  const hasSchema = existsSync(schema)
  if (hasSchema) {
    mkdirSync(join(into, 'local'))
    copyFileSync(schema, join(into, 'local', 'flags.schema.json'))
  }
  const names = entries.map(({ name }) => name)
  return await pack('sdk', into, makeSdkManifest(names, hasSchema))
}

async function packCli(into: string): Promise<string> {
  const manifest = makeCliManifest()
  writeNotices(await bundleCli(manifest.version, into), into)
  return await pack('cli', into, manifest)
}

async function pack(name: keyof Packed, into: string, manifest: Manifest): Promise<string> {
  writeFileSync(join(into, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  copyFileSync(join(projectRoot, name, 'README.md'), join(into, 'README.md'))
  for (const file of ['LICENSE', 'CHANGELOG.md']) copyFileSync(join(projectRoot, file), join(into, file))
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', dirname(into)]
  const { stdout } = await promisify(execFile)('npm', args, { cwd: into })
  const [packed]: readonly [{ readonly filename: string }] = JSON.parse(stdout)
  return join(dirname(into), packed.filename)
}
