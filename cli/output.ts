import { styleText } from 'node:util'
import type { Warning } from '@halyard/shared/contract/written.ts'

type Style = Parameters<typeof styleText>[0]

export interface Cell {
  readonly text: string
  readonly style?: Style
}

/** Colours only what a person sees: `NO_COLOR`, `FORCE_COLOR` and pipes are heeded by `styleText`. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** What was saved and is perhaps not meant, or not published yet. */
export function printWarnings(warnings: readonly Warning[]): void {
  for (const { pointer, detail } of warnings) {
    const where = pointer === '' ? 'warning' : `warning: ${visible(pointer)}`
    printLine(paint('yellow', `${where}: ${visible(detail)}`))
  }
}

/** One JSON document of the machine output. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

/** One line of a machine output that goes on. */
export function printJsonLine(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

export function printTable(head: readonly string[], rows: readonly (readonly (string | Cell)[])[]): void {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'string' ? { text: cell } : cell)))
  const table: Cell[][] = [head.map((text) => ({ text, style: 'dim' })), ...cells]
  const widths = head.map((_, column) =>
    Math.max(...table.map((row) => visible(row[column]?.text ?? '').length)),
  )
  for (const row of table) {
    const line = row.map(({ text, style }, column) => {
      const shown = visible(text)
      const padding = column === row.length - 1 ? '' : ' '.repeat((widths[column] ?? 0) - shown.length)
      return (style ? paint(style, shown) : shown) + padding
    })
    printLine(line.join('  ').trimEnd())
  }
}

/** Names come from other people: what would steer a terminal is shown as a mark instead. */
export function visible(text: string): string {
  return text.replaceAll(/\p{Cc}|\p{Bidi_Control}/gu, '\u{FFFD}')
}
