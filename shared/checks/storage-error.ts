import { jsonDepth } from '../contract/condition.ts'
import { pointerOf, type WrongField } from './wrong-field.ts'

const depthMax = 80
export const unstorable = 'holds U+0000 or half of a surrogate pair'

/** What would not be stored as it was sent: too deep a nesting, a number beyond a double, U+0000, half of a surrogate pair. */
export function storageError(value: unknown): WrongField | null {
  if (jsonDepth(value, depthMax) > depthMax)
    return { pointer: '', detail: `is nested more than ${depthMax} deep` }
  const open: { pointer: string; value: unknown }[] = [{ pointer: '', value }]
  for (let item = open.pop(); item; item = open.pop()) {
    const { pointer, value: inner } = item
    if (typeof inner === 'string' && !isStorable(inner)) return { pointer, detail: unstorable }
    if (typeof inner === 'number' && !Number.isFinite(inner))
      return { pointer, detail: 'is a number beyond the range of a double' }
    if (typeof inner !== 'object' || inner === null) continue
    for (const [name, child] of Object.entries(inner)) {
      if (!isStorable(name))
        return { pointer, detail: 'has a name that holds U+0000 or half of a surrogate pair' }
      open.push({ pointer: `${pointer}${pointerOf([name])}`, value: child })
    }
  }
  return null
}

/** Whether Postgres keeps a text as it is. */
export function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
