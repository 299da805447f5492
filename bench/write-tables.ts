import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { fault } from '../dev/fault.ts'
import type { EdgeResults } from './edge/bench-edge.ts'
import type { Comparison, EngineResults } from './engine/bench-engine.ts'
import { peers } from './engine/peer-list.ts'
import type { PropagationResults } from './propagation.ts'
import { formatFigure, formatTime, isReached } from './report.ts'
import type { StreamResults } from './streams.ts'

interface Results {
  readonly machine: { readonly node: string; readonly cpu: string; readonly cores: number }
  readonly engine: EngineResults | undefined
  readonly edge: EdgeResults | undefined
  readonly propagation: PropagationResults | undefined
  readonly streams: StreamResults | undefined
  readonly sdk: StreamResults | undefined
}

const path = fileURLToPath(new URL('../docs/performance.md', import.meta.url))

/** Puts the tables of a run into docs/performance.md, each between its two markers. What was not measured stays. */
export function writeTables({ machine, engine, edge, propagation, streams, sdk }: Results): void {
  const where = `Node ${machine.node}, ${machine.cores} cores of ${machine.cpu}.`
  let text = readFileSync(path, 'utf8')
  if (engine) text = replaceBetween(text, 'engine', `${where}\n\n${engineTable(engine.scenarios)}`)
  if (engine && Object.keys(engine.versions).length > 0)
    text = replaceBetween(text, 'peers', peerTable(engine.versions))
  if (edge) text = replaceBetween(text, 'edge', `${where}\n\n${edgeTable(edge)}`)
  if (propagation) text = replaceBetween(text, 'propagation', `${where}\n\n${propagationTable(propagation)}`)
  if (streams) text = replaceBetween(text, 'streams', `${where}\n\n${streamTable(streams)}`)
  if (sdk) text = replaceBetween(text, 'sdk', `${where}\n\n${streamTable(sdk)}`)
  writeFileSync(path, text)
}

function replaceBetween(text: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`]
  const [from, to] = [text.indexOf(start), text.indexOf(end)]
  if (from === -1 || to < from) throw fault(`${path} lacks the lines ${start} and ${end}`, 'Put them back')
  return `${text.slice(0, from + start.length)}\n${content}\n${text.slice(to)}`
}

function engineTable(scenarios: EngineResults['scenarios']): string {
  const rows = Object.entries(scenarios)
  const names = [...new Set(rows.flatMap(([, comparison]) => Object.keys(comparison.peers)))]
  const lines: readonly (readonly [string, (comparison: Comparison) => string])[] = [
    ['goal', ({ goal }) => `<= ${formatTime(goal)}`],
    ['**Halyard**', (row) => `**${formatTime(row.halyard)}**${isReached(row) ? '' : ' (missed)'}`],
    ['bytes an operation', ({ bytes }) => String(bytes['halyard'] ?? '')],
    ['floor', ({ floor }) => formatTime(floor)],
    ...names.map((name) => [name, (row: Comparison) => peerCell(row, name)] as const),
  ]
  return [
    tableRow(['', ...rows.map(([name]) => name)]),
    tableRow(['---', ...rows.map(() => '---')]),
    ...lines.map(([title, cell]) => tableRow([title, ...rows.map(([, comparison]) => cell(comparison))])),
  ].join('\n')
}

function peerCell(row: Comparison, name: string): string {
  const ns = row.peers[name]
  if (ns === undefined) return ''
  const times = ns / row.halyard
  return `${formatTime(ns)} (${times < 10 ? times.toFixed(1) : Math.round(times)}x)`
}

function peerTable(versions: Readonly<Record<string, string>>): string {
  return [
    tableRow(['peer', 'package', 'to know']),
    tableRow(['---', '---', '---']),
    ...Object.entries(peers).map(([name, peer]) =>
      tableRow([
        name,
        `${peer.package} ${versions[peer.package] ?? ''}`,
        [
          peer.note ?? '',
          ...Object.entries(peer.cannot ?? {}).map(([scenario, why]) => `not in ${scenario}: ${why}`),
        ].join('; '),
      ]),
    ),
  ].join('\n')
}

function edgeTable(edge: EdgeResults): string {
  return [
    tableRow(['', 'CPU us', 'requests/s', 'over ceiling 2', 'goal']),
    tableRow(['---', '---', '---', '---', '---']),
    ...Object.entries(edge).map(([name, { cpuUs, requestsPerSec, ratio, goal }]) =>
      tableRow([
        name,
        cpuUs.toFixed(0),
        String(Math.round(requestsPerSec)),
        ratio.toFixed(2),
        goal === null ? '' : `<= ${goal}`,
      ]),
    ),
  ].join('\n')
}

function propagationTable(propagation: PropagationResults): string {
  return [
    tableRow(['milliseconds', 'p50', 'p90', 'p99', 'goal']),
    tableRow(['---', '---', '---', '---', '---']),
    ...Object.entries(propagation).map(([name, { p50, p90, p99, goal }]) =>
      tableRow([name, ...[p50, p90, p99].map(formatFigure), goal ?? '']),
    ),
  ].join('\n')
}

function streamTable(streams: StreamResults): string {
  return [
    tableRow(['', 'figure', 'unit', 'goal']),
    tableRow(['---', '---', '---', '---']),
    ...Object.entries(streams).map(([name, { value, unit, goal }]) =>
      tableRow([name, formatFigure(value), unit, goal ?? '']),
    ),
  ].join('\n')
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
