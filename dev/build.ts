/** `npm run build`: builds each Worker as a deployment would, into `dist/NAME`, and holds it to its budget. */
import { join } from 'node:path'
import { buildWorkers } from './build-workers.ts'
import { failWith, fault } from './fault.ts'
import { projectRoot } from './run-tool.ts'
import type { WorkerName } from './secrets.ts'

/** At most this much code after gzip, in KiB. */
const budgets: Readonly<Record<WorkerName, number>> = { control: 400, hub: 40, edge: 110 }

await main().catch(failWith)

async function main(): Promise<void> {
  const sizes = await buildWorkers(join(projectRoot, 'dist'))
  const over: string[] = []
  for (const [name, kib] of Object.entries(sizes)) {
    const budget = budgets[name as WorkerName] // the names of `sizes`
    console.log(`${name.padEnd(8)} ${kib.toFixed(1).padStart(6)} KiB gzipped, at most ${budget}`)
    if (kib > budget) over.push(name)
  }
  if (over.length > 0) throw fault(`Over budget: ${over.join(', ')}`, 'Find what came in: dist/NAME/*.map')
}
