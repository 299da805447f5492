import { limits } from '@halyard/shared/contract/limits.ts'
import type { Metric } from '@halyard/shared/contract/metric-endpoints.ts'
import { showMoment } from '@halyard/shared/words/show.ts'
import { paint, printJson, printLine, printTable, printWarning, visible } from '../output.ts'
import { clientOf, placeOf } from '../place.ts'
import type { Settings } from '../settings.ts'
import type { UsageOptions } from './usage.ts'

/** `metrics`: what applications tracked in an environment, with totals. */
export async function listMetrics(options: UsageOptions, settings: Settings): Promise<void> {
  const { from, to } = options
  const ask = (cursor?: string) =>
    clientOf(settings).call('listMetrics', {
      params: placeOf(settings),
      query: { limit: limits.pageSize, from, to, cursor },
    })
  const { nextCursor, items: first, ...facts } = await ask()
  const metrics: Metric[] = [...first]
  for (let cursor = nextCursor; cursor !== null;) {
    // Each page names the next.
    // oxlint-disable-next-line no-await-in-loop
    const page = await ask(cursor)
    metrics.push(...page.items)
    cursor = page.nextCursor
  }
  if (settings.isJson) return printJson({ ...facts, metrics })
  if (metrics.length === 0) return printLine(`nothing is tracked in ${visible(facts.environment)}`)
  printLine(paint('dim', spanOf(facts)))
  printTable(
    ['NAME', 'COUNT', 'SUM', 'LAST', 'FROM'],
    metrics.map((metric) => [
      metric.name,
      ...countsOf(metric),
      showMoment(metric.lastAt),
      metric.sources.join(', '),
    ]),
  )
  for (const source of facts.full)
    printWarning(`${source} keys have sent as many names as are kept: further ones are not counted`)
}

/** `metrics NAME`: how often it happened, by the hour or day. */
export async function showMetric(name: string, options: UsageOptions, settings: Settings): Promise<void> {
  const { from, to, by } = options
  const metric = await clientOf(settings).call('getMetric', {
    params: { ...placeOf(settings), name },
    query: { from, to, by },
  })
  if (settings.isJson) return printJson(metric)
  const { sources, points } = metric
  printLine(paint('dim', `${visible(name)} in ${spanOf(metric)}`))
  printLine(`last: ${showMoment(metric.lastAt)}`)
  if (points.length === 0) return printLine('it did not happen in this time')
  printLine('')
  printTable(
    ['FROM', 'COUNT', 'SUM'],
    [...sources, { source: '(all)', ...metric }].map((row) => [row.source, ...countsOf(row)]),
  )
  printLine('')
  const length = metric.by === 'day' ? 'YYYY-MM-DD'.length : 'YYYY-MM-DDTHH:MM'.length
  printTable(
    [metric.by.toUpperCase(), 'FROM', 'COUNT', 'SUM'],
    points.map((point) => [point.at.slice(0, length), point.source, ...countsOf(point)]),
  )
}

interface Span {
  readonly environment: string
  readonly from: string
  readonly to: string
}

function spanOf({ environment, from, to }: Span): string {
  return `${visible(environment)}, ${showMoment(from)} to ${showMoment(to)}`
}

function countsOf({ count, sum }: { readonly count: number; readonly sum: number | null }): string[] {
  return [String(count), sum === null ? '-' : String(sum)]
}
