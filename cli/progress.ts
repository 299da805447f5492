/** How far long work has come, on one line of a terminal; nothing where nobody looks. */
export interface Progress {
  readonly advance: (steps: number) => void
  readonly end: () => void
}

const width = 24

export function makeProgress(what: string, total: number): Progress {
  if (!process.stderr.isTTY) return { advance: () => {}, end: () => {} }
  let done = 0
  const draw = () => {
    const filled = Math.round((done / total) * width)
    const bar = '#'.repeat(filled) + '.'.repeat(width - filled)
    process.stderr.write(`\r${what} [${bar}] ${Math.round((done / total) * 100)} %`)
  }
  draw()
  return {
    advance: (steps) => {
      done += steps
      draw()
    },
    end: () => process.stderr.write('\n'),
  }
}
