import type { EdgeResults } from './edge/bench-edge.ts'
import type { Comparison, EngineResults } from './engine/bench-engine.ts'
import type { PropagationResults } from './propagation.ts'
import type { StreamResults } from './streams.ts'

export function printEngine({ scenarios }: EngineResults) {
  console.log('\nEngine, in process')
  const rows = Object.entries(scenarios)
  console.table(Object.fromEntries(rows.map(([name, comparison]) => [name, summaryOf(comparison)])))
  const compared = rows.filter(([, { peers }]) => Object.keys(peers).length > 0)
  if (compared.length === 0) return
  console.log('\nThe same, peer by peer: time an operation, and how many times that of Halyard')
  const names = Object.keys(compared[0]?.[1].peers ?? {})
  const peerRows = names.map((name) => [
    name,
    Object.fromEntries(compared.map(([scenario, comparison]) => [scenario, peerCell(comparison, name)])),
  ])
  console.table(Object.fromEntries(peerRows))
}

export function printEdge(results: EdgeResults) {
  console.log('\nEdge, bare workerd: CPU a request, and over the JSON ceiling')
  const rows = Object.entries(results).map(([name, { cpuUs, requestsPerSec, ratio, goal }]) => [
    name,
    {
      'CPU us': cpuUs.toFixed(1),
      'requests/s': Math.round(requestsPerSec),
      ratio: ratio.toFixed(2),
      goal: goal ?? '',
      reached: goal === null ? '' : ratio <= goal,
    },
  ])
  console.table(Object.fromEntries(rows))
}

export function printPropagation(results: PropagationResults) {
  console.log('\nPropagation, bare workerd (ms)')
  const rows = Object.entries(results).map(([name, { p50, p90, p99, goal }]) => [
    name,
    { p50: p50.toFixed(1), p90: p90.toFixed(1), p99: p99.toFixed(1), goal: goal ?? '' },
  ])
  console.table(Object.fromEntries(rows))
}

export function printStreams(title: string, results: StreamResults) {
  console.log(`\n${title}`)
  const rows = Object.entries(results).map(([name, { value, unit, goal }]) => [
    name,
    { figure: formatFigure(value), unit, goal: goal ?? '' },
  ])
  console.table(Object.fromEntries(rows))
}

/** Three digits that say something. */
export function formatFigure(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}

/** The fastest peer; null if there is none. */
export function bestPeer({ peers }: Comparison): { name: string; ns: number } | null {
  const [best] = Object.entries(peers).toSorted(([, a], [, b]) => a - b)
  return best ? { name: best[0], ns: best[1] } : null
}

/** A time in the unit that suits it: `26 ns`, `8.7 us`, `1.2 ms`. */
export function formatTime(ns: number): string {
  const [value, unit] = ns < 1e3 ? [ns, 'ns'] : ns < 1e6 ? [ns / 1e3, 'us'] : [ns / 1e6, 'ms']
  return `${value < 100 ? Number(value.toPrecision(2)) : Math.round(value)} ${unit}`
}

export function isReached({ halyard, goal, bytes, goalBytes }: Comparison): boolean {
  return halyard <= goal && (goalBytes === null || (bytes['halyard'] ?? 0) <= goalBytes)
}

function summaryOf(comparison: Comparison) {
  const { title, halyard, floor, goal, bytes, goalBytes } = comparison
  const best = bestPeer(comparison)
  return {
    scenario: title,
    halyard: formatTime(halyard),
    goal: formatTime(goal),
    floor: formatTime(floor),
    'over floor': (halyard / floor).toFixed(2),
    'best peer': best ? `${formatTime(best.ns)} ${best.name}` : '',
    'times faster': best ? (best.ns / halyard).toFixed(1) : '',
    bytes: bytes['halyard'] ?? '',
    'most bytes': goalBytes ?? '',
    reached: isReached(comparison),
  }
}

function peerCell({ halyard, peers }: Comparison, name: string): string {
  const ns = peers[name]
  return ns === undefined ? '' : `${formatTime(ns)} (${Math.round(ns / halyard)}x)`
}
