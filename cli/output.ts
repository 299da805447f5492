import { styleText } from 'node:util'
import type { Warning } from '@halyard/shared/contract/written.ts'

type Style = Parameters<typeof styleText>[0]

export interface Cell {
  readonly text: string
  readonly style?: Style
}

/** Colours only what a person sees: `NO_COLOR`, `FORCE_COLOR` and pipes are heeded. */
export function paint(style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return isColoured(stream) ? styleText(style, text, { validateStream: false }) : text
}

export function printLine(text: string): void {
  process.stdout.write(`${text}\n`)
}

/** What was saved and is perhaps not meant, or not published yet. On stderr, whatever the output. */
export function printWarnings(warnings: readonly Warning[]): void {
  for (const { pointer, detail } of warnings) {
    const where = pointer === '' ? 'warning' : `warning: ${visible(pointer)}`
    printWarning(`${where}: ${visible(detail)}`)
  }
}

/** What a write did, for a machine or by `tell` for people, and its warnings. */
export function printWritten(
  written: { readonly warnings: readonly Warning[] },
  isJson: boolean,
  tell: () => void,
): void {
  if (isJson) printJson(written)
  else tell()
  printWarnings(written.warnings)
}

/** A line on stderr, beside a result. */
export function printWarning(text: string): void {
  process.stderr.write(`${paint('yellow', text, process.stderr)}\n`)
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

/** A table of names and what they are; names without anything are left out. */
export function printFacts(title: string, facts: readonly (readonly [string, string | Cell])[]): void {
  printTable(
    [title, ''],
    facts.filter(([, fact]) => fact !== ''),
  )
}

/** Names come from other people: what would steer a terminal is shown as a mark instead. */
export function visible(text: string): string {
  return text.replaceAll(/\p{Cc}|\p{Bidi_Control}/gu, '\u{FFFD}')
}

/** `styleText` of Node 20 looks at no stream. */
function isColoured({ isTTY }: NodeJS.WriteStream): boolean {
  const { NO_COLOR: no = '', FORCE_COLOR: force, TERM: term } = process.env
  if (force !== undefined) return force !== '0' && force !== 'false'
  return no === '' && isTTY && term !== 'dumb'
}
