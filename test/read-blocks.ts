/** The fenced code of documentation that is to be held true. */
import { readFileSync } from 'node:fs'

export interface Block {
  /** `docs/sdk/server.md:12`, the line of its fence. */
  readonly at: string
  /** What follows the fence: `ts`, `ts check`, `tsx`, `json flags`. */
  readonly info: string
  readonly code: string
}

/** Every fenced block of a page; throws if one is not closed. */
export function readBlocks(page: string): readonly Block[] {
  const blocks: Block[] = []
  let open: { readonly info: string; readonly line: number; readonly code: string[] } | null = null
  for (const [index, line] of readFileSync(page, 'utf8').split('\n').entries()) {
    if (open === null) {
      const info = /^\s*```(.*)$/.exec(line)?.[1]
      if (info !== undefined) open = { info: info.trim(), line: index + 1, code: [] }
    } else if (/^\s*```\s*$/.test(line)) {
      blocks.push({ at: `${page}:${open.line}`, info: open.info, code: `${open.code.join('\n')}\n` })
      open = null
    } else open.code.push(line)
  }
  if (open !== null) throw new Error(`${page}:${open.line} opens a block that is never closed`)
  return blocks
}
