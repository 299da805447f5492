import { limits } from '@halyard/shared/contract/limits.ts'
import type { StaleFlag } from '@halyard/shared/contract/usage-endpoints.ts'
import { showMoment } from '@halyard/shared/words/show.ts'
import { paint, printJson, printLine, printTable, visible } from '../output.ts'
import type { Settings } from '../settings.ts'
import { clientOf, projectOf } from '../place.ts'

export interface UsageOptions {
  readonly from?: string
  readonly to?: string
  readonly by?: 'hour' | 'day'
}

/** `usage`: how often each variant of a flag was given in an environment. */
export async function showUsage(key: string, options: UsageOptions, settings: Settings): Promise<void> {
  const { from, to, by } = options
  const usage = await clientOf(settings).call('getFlagUsage', {
    params: { ...projectOf(settings), environment: settings.need('env'), key },
    query: {
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(by !== undefined && { by }),
    },
  })
  if (settings.isJson) return printJson(usage)
  const { evaluations, deliveries, variants, points } = usage
  const span = `${showMoment(usage.from)} to ${showMoment(usage.to)}`
  printLine(paint('dim', `${visible(key)} in ${visible(usage.environment)}, ${span}`))
  printLine(`last evaluated: ${lastOf(usage.lastEvaluatedAt)}`)
  printLine(`last delivered with all flags: ${lastOf(usage.lastDeliveredAt)}`)
  if (points.length === 0) return printLine('no usage in this time')
  printLine('')
  printTable(
    ['VARIANT', 'EVALUATIONS', 'DELIVERIES'],
    [...variants, { variant: '(all)', evaluations, deliveries }].map((row) => [
      nameOf(row.variant),
      ...countsOf(row),
    ]),
  )
  printLine('')
  const length = usage.by === 'day' ? 'YYYY-MM-DD'.length : 'YYYY-MM-DDTHH:MM'.length
  printTable(
    [usage.by.toUpperCase(), 'VARIANT', 'EVALUATIONS', 'DELIVERIES'],
    points.map((row) => [row.at.slice(0, length), nameOf(row.variant), ...countsOf(row)]),
  )
}

/** `stale`: the flags that may have done their work, and why. */
export async function listStale(settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const params = { ...projectOf(settings), environment: settings.need('env') }
  const ask = (cursor?: string) =>
    client.call('listStaleFlags', {
      params,
      query: { limit: limits.pageSize, ...(cursor !== undefined && { cursor }) },
    })
  const { nextCursor, items: first, ...facts } = await ask()
  const flags: StaleFlag[] = [...first]
  for (let cursor = nextCursor; cursor !== null;) {
    // Each page names the next.
    // oxlint-disable-next-line no-await-in-loop
    const page = await ask(cursor)
    flags.push(...page.items)
    cursor = page.nextCursor
  }
  if (settings.isJson) return printJson({ ...facts, flags })
  const { environment, observedSince, leftOut } = facts
  if (flags.length === 0) printLine(`no stale flags in ${visible(environment)}`)
  else
    printTable(
      ['KEY', 'KIND', 'LAST EVALUATED', 'WHY'],
      flags.flatMap(({ key, kind, lastEvaluatedAt, reasons }) =>
        reasons.map(({ detail }, index) =>
          index === 0 ? [key, kind, lastOf(lastEvaluatedAt), detail] : ['', '', '', detail],
        ),
      ),
    )
  const since =
    observedSince === null ? 'no usage was ever counted' : `usage is known since ${showMoment(observedSince)}`
  printLine(
    paint(
      'dim',
      `${since}; not judged by usage: ${leftOut.permanent} permanent, ${leftOut.young} not observed for 30 days`,
    ),
  )
}

function lastOf(moment: string | null): string {
  return moment === null ? 'never' : showMoment(moment)
}

function nameOf(variant: string | null): string {
  return variant ?? '(error)'
}

function countsOf({ evaluations, deliveries }: { evaluations: number; deliveries: number }): string[] {
  return [String(evaluations), String(deliveries)]
}
