import type { WrongField } from '../checks/wrong-field.ts'

/** Where something stands in a text, both from 1. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** What is wrong with a file of flags, where (a JSON pointer, and the position if it is known), and what is allowed. */
export interface FileFault extends WrongField, Partial<Position> {}

/** Where what a JSON pointer names stands; of what is missing, where its owner does. Null: nobody knows. */
export type Locate = (pointer: string) => Position | null

/** `line 3: /flags/new-checkout/enabled: must be true or false` */
export function describeFault({ line, pointer, detail }: FileFault): string {
  return [...(line === undefined ? [] : [`line ${line}`]), ...(pointer === '' ? [] : [pointer]), detail].join(
    ': ',
  )
}

/** A fault with its position. */
export function locateFault(fault: WrongField, locate: Locate): FileFault {
  return { ...fault, ...locate(fault.pointer) }
}

/** Looks a pointer up; what is not there is where its owner is. */
export function locateBy(find: (pointer: string) => number | undefined, text: string): Locate {
  return (pointer) => {
    for (let at = pointer; ; at = at.slice(0, at.lastIndexOf('/'))) {
      const offset = find(at)
      if (offset !== undefined) return positionAt(text, offset)
      if (at === '') return null
    }
  }
}

/** `offset` counts UTF-16 code units. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return { line, column: offset - before.lastIndexOf('\n') }
}
