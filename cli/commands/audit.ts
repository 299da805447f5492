import { limits } from '@halyard/shared/contract/limits.ts'
import type { AuditEntry } from '@halyard/shared/contract/resources.ts'
import { readCount } from '../arguments.ts'
import { paint, printFacts, printJson, printLine, printTable, visible } from '../output.ts'
import { clientOf } from '../place.ts'
import type { Settings } from '../settings.ts'

export interface AuditOptions {
  readonly flag?: string
  readonly limit?: string
  readonly all?: boolean
}

/** `audit`: the newest changes of the project, or of the whole organization. */
export async function listAudit(options: AuditOptions, settings: Settings): Promise<void> {
  const { flag, limit = '20', all = false } = options
  const query = {
    limit: readCount(limit, { option: '--limit', max: limits.pageSize }),
    ...(!all && { project: settings.need('project') }),
    ...(flag !== undefined && { flag }),
  }
  const params = { org: settings.need('org') }
  const { items, nextCursor } = await clientOf(settings).call('listAudit', { params, query })
  if (settings.isJson) return printJson({ entries: items })
  if (items.length === 0) return printLine('no changes')
  printTable(['WHEN', 'WHAT', 'WHERE', 'BY', 'COMMENT'], items.map(rowOf))
  if (nextCursor !== null) printLine(paint('dim', `there are more: --limit up to ${limits.pageSize}`))
}

/** `whoami`: what the token may reach. */
export async function whoami(settings: Settings): Promise<void> {
  const answer = await clientOf(settings).call('whoami', {})
  if (settings.isJson) return printJson(answer)
  printFacts(visible(answer.role), [
    ['organization', answer.organization],
    ['project', answer.project ?? 'all'],
    ['environment', answer.environment ?? 'all'],
    ['key', answer.key],
    ['at', settings.need('api')],
    ['token from', settings.find('token')?.from ?? ''],
  ])
}

function rowOf({
  time,
  action,
  resource,
  project,
  environment,
  versions,
  actor,
  comment,
}: AuditEntry): string[] {
  const versionOf = (name: string) => (versions[name] === undefined ? name : `${name} ${versions[name]}`)
  const names = environment === null ? Object.keys(versions).map(versionOf) : [versionOf(environment)]
  return [time, `${action} ${resource}`, names.join(', ') || (project ?? ''), actor, comment ?? '']
}
