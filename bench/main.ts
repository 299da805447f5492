/**
 * `npm run bench [-- engine|peers|edge|propagation|streams|sdk] [-- --json FILE --write --no-peers --scenario A]`: speed as ratios
 * measured in one run. `peers` compares the answers of all products and measures nothing.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildWorkers } from '../dev/build-workers.ts'
import { failWith, fault } from '../dev/fault.ts'
import { benchEdge, type EdgeResults } from './edge/bench-edge.ts'
import { benchEngine, checkPeers } from './engine/bench-engine.ts'
import { benchPropagation } from './propagation.ts'
import { printEdge, printEngine, printPropagation, printStreams } from './report.ts'
import { benchSdk } from './sdk.ts'
import { benchStreams } from './streams.ts'
import { writeTables } from './write-tables.ts'

await main().catch(failWith)

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    allowNegative: true,
    options: {
      json: { type: 'string' },
      write: { type: 'boolean' },
      peers: { type: 'boolean', default: true },
      scenario: { type: 'string', multiple: true, default: [] },
    },
  })
  if (values.write && (values.scenario.length > 0 || !values.peers))
    throw fault('--write needs all scenarios and peers', 'Leave out --scenario and --no-peers')
  if (positionals.includes('peers')) return checkPeers()
  const wants = (part: string) => positionals.length === 0 || positionals.includes(part)
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length }
  console.log(`Node ${machine.node} on ${machine.cores} cores of ${machine.cpu}`)
  const engine = wants('engine')
    ? await benchEngine({ withPeers: values.peers, only: values.scenario })
    : undefined
  if (engine) printEngine(engine)
  const edge = wants('edge') ? await measureEdge() : undefined
  if (edge) printEdge(edge)
  const propagation = wants('propagation') ? await benchPropagation() : undefined
  if (propagation) printPropagation(propagation)
  const streams = wants('streams') ? await benchStreams() : undefined
  if (streams) printStreams('Streams, bare workerd', streams)
  const sdk = wants('sdk') ? await benchSdk() : undefined
  if (sdk) printStreams('The server client, in its own process', sdk)
  const results = {
    machine,
    versions: engine?.versions,
    engine: engine?.scenarios,
    edge,
    propagation,
    streams,
    sdk,
  }
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(results, null, 2)}\n`)
  if (values.write) writeTables({ machine, engine, edge, propagation, streams, sdk })
}

async function measureEdge(): Promise<EdgeResults> {
  const dist = mkdtempSync(join(tmpdir(), 'halyard-bench-'))
  try {
    await buildWorkers(dist)
    return await benchEdge(dist)
  } finally {
    rmSync(dist, { recursive: true, force: true })
  }
}
