/** A plan on the screen, and for machines. */
import { paint, printLine, visible, type Cell } from '../output.ts'
import { describeChange } from './describe-plan.ts'
import type { Action, Plan } from './plan.ts'

type Style = NonNullable<Cell['style']>

const deeds: Readonly<Record<Action, { readonly text: string; readonly style: Style }>> = {
  create: { text: '+ create', style: 'green' },
  restore: { text: '+ restore', style: 'green' },
  update: { text: '~ change', style: 'yellow' },
  archive: { text: '- archive', style: 'red' },
}
const leftShown = 10

export function printPlan({ changes, elsewhere, left }: Plan, notes: readonly string[]): void {
  for (const change of changes) {
    const { text, style } = deeds[change.action]
    printLine(paint(style, `${text} ${change.kind} ${visible(change.key)}`))
    for (const { environments, lines } of describeChange(change, elsewhere)) {
      const where = environments.map(visible).join(', ')
      if (where !== '') printLine(`    in ${where}:`)
      for (const line of lines) printLine(`${where === '' ? '    ' : '      '}${visible(line)}`)
    }
  }
  for (const note of notes) printLine(paint('dim', `note: ${visible(note)}`))
  if (left.length === 0) return
  const names = left.slice(0, leftShown).map(({ kind, key }) => `${kind} ${visible(key)}`)
  const more = left.length > leftShown ? ` and ${left.length - leftShown} more` : ''
  printLine(paint('dim', `there, not in the file, and left alone: ${names.join(', ')}${more}`))
}

/** `2 to create, 1 to change` */
export function summarize({ changes }: Plan): string {
  const parts = (['create', 'restore', 'update', 'archive'] as const).flatMap((action) => {
    const count = changes.filter((change) => change.action === action).length
    return count === 0 ? [] : [`${count} to ${deeds[action].text.slice(2)}`]
  })
  return parts.join(', ')
}

export function planToJson({ environments, elsewhere, changes, left }: Plan, notes: readonly string[]) {
  return {
    environments,
    changes: changes.map((change) => {
      const { kind, key, action } = change
      return { kind, key, action, parts: describeChange(change, elsewhere) }
    }),
    left,
    notes,
  }
}
