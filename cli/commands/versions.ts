import { limits } from '@halyard/shared/contract/limits.ts'
import type {
  ObjectChange,
  VersionDetail,
  VersionSummary,
} from '@halyard/shared/contract/version-endpoints.ts'
import { count } from '@halyard/shared/words/show.ts'
import { usageError } from '../command-error.ts'
import { paint, printJson, printLine, printTable, visible, type Cell } from '../output.ts'
import type { Settings } from '../settings.ts'
import { clientOf, projectOf } from '../place.ts'

export interface VersionsOptions {
  readonly limit?: string
}

export interface ShowOptions {
  readonly compare?: string
}

/** `versions`: the newest versions of an environment. */
export async function listVersions({ limit = '20' }: VersionsOptions, settings: Settings): Promise<void> {
  const most = Number(limit)
  if (!/^\d+$/.test(limit) || most < 1 || most > limits.pageSize)
    throw usageError(`--limit is a number from 1 to ${limits.pageSize}, not "${limit}"`)
  const params = { ...projectOf(settings), environment: settings.need('env') }
  const { items, nextCursor } = await clientOf(settings).call('listVersions', {
    params,
    query: { limit: most },
  })
  if (settings.isJson) return printJson({ environment: params.environment, versions: items })
  if (items.length === 0) return printLine(`no versions of ${params.environment}`)
  printTable(['VERSION', 'WHEN', 'WHAT', 'BY', 'PUBLISHED', 'COMMENT'], items.map(rowOf))
  if (nextCursor !== null) printLine(paint('dim', `there are more: --limit up to ${limits.pageSize}`))
}

/** `versions show`: what a version changed, and what became of it. */
export async function showVersion(
  version: string,
  { compare }: ShowOptions,
  settings: Settings,
): Promise<void> {
  const params = { ...projectOf(settings), environment: settings.need('env'), version }
  const query = compare === undefined ? {} : { compare }
  const detail = await clientOf(settings).call('getVersion', { params, query })
  if (settings.isJson) return printJson(detail)
  const rows: [string, string][] = [
    ['made', `${detail.createdAt} by ${detail.actor}`],
    ['by', [detail.action, detail.resource].filter((text) => text !== null).join(' ')],
    ['comment', detail.comment ?? ''],
    ['published', detail.publishedAt ?? 'no'],
    ['size', detail.size === null ? '' : `${count(detail.size)} bytes`],
    ['verified', verificationOf(detail)],
    ['relays', relaysOf(detail)],
  ]
  printTable(
    [detail.version, ''],
    rows.filter(([, text]) => text !== ''),
  )
  printLine('')
  printChanges(detail)
}

function rowOf(version: VersionSummary): (string | Cell)[] {
  const { createdAt, action, resource, actor, isPublished, comment } = version
  const what = [action, resource].filter((text) => text !== null).join(' ')
  const published: Cell = isPublished ? { text: 'yes', style: 'green' } : { text: 'no', style: 'dim' }
  return [version.version, createdAt, what, actor, published, comment ?? '']
}

function verificationOf({ verification }: VersionDetail): string {
  if (!verification) return ''
  const words = {
    same: 'the same bytes',
    same_decisions: 'the same decisions, by another compiler',
    differs: 'NOT what was committed',
    unknown: 'by another compiler, with nothing to compare',
  }
  return `${words[verification.outcome]} (${verification.verifiedAt})`
}

function relaysOf({ receipts, isPublished }: VersionDetail): string {
  if (receipts === null) return isPublished ? 'not known' : ''
  return receipts.map(({ relay, ackedAt }) => `${relay} ${ackedAt}`).join(', ') || 'none'
}

function printChanges({ comparedTo, changes, changeCount }: VersionDetail): void {
  if (changes === null) return printLine('what came before it is no longer kept')
  const since = comparedTo === null ? 'from nothing' : `since ${comparedTo}`
  if (changes.length === 0) return printLine(`no difference ${since}`)
  printLine(paint('dim', since))
  for (const change of changes) printChange(change)
  const rest = (changeCount ?? 0) - changes.length
  if (rest > 0) printLine(paint('dim', `and ${count(rest)} more`))
}

function printChange({ kind, key, change, text }: ObjectChange): void {
  const styles = { added: 'green', changed: 'yellow', removed: 'red' } as const
  printLine(`${paint(styles[change], change)} ${kind} ${visible(key)}`)
  for (const line of text) printLine(`  ${visible(line)}`)
}
