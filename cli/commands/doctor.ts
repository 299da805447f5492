/** `doctor`: what is in order, what is not, and what to do. */
import { CommandError, exitCodes } from '../command-error.ts'
import { checkApi } from '../doctor/check-api.ts'
import { checkEdge } from '../doctor/check-edge.ts'
import { checkFiles } from '../doctor/check-files.ts'
import { checkSettings } from '../doctor/check-settings.ts'
import type { Finding } from '../doctor/finding.ts'
import { printJson, printTable, type Cell } from '../output.ts'
import type { Settings } from '../settings.ts'
import { version } from '../version.ts'

const styles = { ok: 'green', warn: 'yellow', fail: 'red' } as const

export async function doctor(settings: Settings): Promise<void> {
  const api = await checkApi(settings)
  const edge = await checkEdge(settings, api.publishedVersion)
  const files = checkFiles(process.cwd())
  const findings = [...checkSettings(settings), ...api.findings, ...edge, ...files]
  if (settings.isJson) printJson({ cli: version, checks: findings })
  else printTable(['CHECK', '', 'WHAT'], findings.map(rowOf))
  const failed = findings.filter(({ outcome }) => outcome === 'fail').length
  if (failed > 0) throw new CommandError(exitCodes.failed, `${failed} of ${findings.length} checks failed`)
}

function rowOf({ check, outcome, what, remedy }: Finding): (string | Cell)[] {
  return [check, { text: outcome, style: styles[outcome] }, remedy === null ? what : `${what}; ${remedy}`]
}
