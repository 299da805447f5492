import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { fault } from './fault.ts'
import { findTool, projectRoot, readTool } from './run-tool.ts'
import type { WorkerName } from './secrets.ts'

/** The configuration of each Worker. */
export const workerConfigs = {
  control: join(projectRoot, 'wrangler.toml'),
  hub: join(projectRoot, 'workers/hub/wrangler.toml'),
  edge: join(projectRoot, 'workers/edge/wrangler.toml'),
} as const satisfies Record<WorkerName, string>

/** Builds the Workers as a deployment would, each into `folder/NAME`; gives their code's size after gzip in KiB. */
export async function buildWorkers(folder: string): Promise<Record<WorkerName, number>> {
  const [control, hub, edge] = await Promise.all([
    build(folder, 'control'),
    build(folder, 'hub'),
    build(folder, 'edge'),
  ])
  return { control, hub, edge }
}

async function build(folder: string, name: WorkerName): Promise<number> {
  const outdir = join(folder, name)
  rmSync(outdir, { recursive: true, force: true })
  const env = {
    ...process.env,
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_HIDE_BANNER: 'true',
    WRANGLER_WRITE_LOGS: 'false',
  }
  const args = ['deploy', '--dry-run', '--config', workerConfigs[name], '--outdir', outdir]
  const { code, stdout, stderr } = await readTool(findTool('wrangler', 'wrangler'), args, env)
  if (code !== 0) throw fault(`${name} does not build:\n${stdout}${stderr}`, 'wrangler says why')
  const files = readdirSync(outdir).filter((file) => /\.(js|mjs|wasm)$/.test(file))
  if (files.length === 0) throw fault(`${name} was built to nothing`, 'Look at what wrangler puts into it')
  const bytes = files.map((file) => gzipSync(readFileSync(join(outdir, file)), { level: 9 }).length)
  return bytes.reduce((sum, each) => sum + each, 0) / 1024
}
