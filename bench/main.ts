/** `npm run bench [-- engine|edge|propagation] [-- --json FILE]`: speed as ratios measured in one run. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildWorkers } from '../dev/build-workers.ts'
import { benchEdge, type EdgeResults } from './edge/bench-edge.ts'
import { benchEngine, type EngineResults } from './engine/bench-engine.ts'
import { benchPropagation, type PropagationResults, type Spread } from './propagation.ts'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'string' } } })
const wants = (part: string) => positionals.length === 0 || positionals.includes(part)

const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length }
const engine = wants('engine') ? await benchEngine() : undefined
if (engine) printEngine(engine)
const edge = wants('edge') ? await measureEdge() : undefined
if (edge) printEdge(edge)
const propagation = wants('propagation') ? await benchPropagation() : undefined
if (propagation) printPropagation(propagation)
if (values.json !== undefined)
  writeFileSync(values.json, `${JSON.stringify({ machine, engine, edge, propagation }, null, 2)}\n`)

async function measureEdge(): Promise<EdgeResults> {
  const dist = mkdtempSync(join(tmpdir(), 'halyard-bench-'))
  try {
    await buildWorkers(dist)
    return await benchEdge(dist)
  } finally {
    rmSync(dist, { recursive: true, force: true })
  }
}

function printEngine(results: EngineResults) {
  console.log(`\nEngine, in process (${machine.node}, ${machine.cpu})`)
  console.table(
    Object.fromEntries(
      Object.entries(results).map(([name, { title, halyard, floor, ratio, goalNs }]) => [
        name,
        {
          scenario: title,
          ns: round(halyard.ns),
          floor: round(floor.ns),
          ratio: ratio.toFixed(2),
          goal: goalNs,
          bytes: round(halyard.bytes),
          reached: halyard.ns <= goalNs,
        },
      ]),
    ),
  )
}

function printEdge(results: EdgeResults) {
  console.log('\nEdge, bare workerd: CPU a request, and over the JSON ceiling')
  console.table(
    Object.fromEntries(
      Object.entries(results).map(([name, { cpuUs, requestsPerSec, ratio, goal }]) => [
        name,
        {
          'CPU us': cpuUs.toFixed(1),
          'requests/s': Math.round(requestsPerSec),
          ratio: ratio.toFixed(2),
          goal: goal ?? '',
          reached: goal === null ? '' : ratio <= goal,
        },
      ]),
    ),
  )
}

function printPropagation(results: PropagationResults) {
  console.log('\nPropagation on the local stack, built Workers: 50 toggles, one subscriber (ms)')
  const rows = Object.entries(results).map(([name, { p50, p90, max }]: [string, Spread]) => [
    name,
    { p50: round(p50), p90: round(p90), max: round(max) },
  ])
  console.table(Object.fromEntries(rows))
}

function round(value: number): number {
  return value < 100 ? Number(value.toFixed(1)) : Math.round(value)
}
