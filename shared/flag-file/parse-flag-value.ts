import { fieldErrors } from '../checks/field-errors.ts'
import { issueText } from '../checks/issue-text.ts'
import { storageError } from '../checks/storage-error.ts'
import { pointerOf, type WrongField } from '../checks/wrong-field.ts'
import { FlagFile } from './flag-file.ts'

const faultsMax = 100

/** Reads a file of flags that is an object already, with the defaults of its schema; or gives everything that is wrong. */
export function parseFlagValue(
  value: unknown,
): { readonly file: FlagFile } | { readonly file: null; readonly faults: readonly WrongField[] } {
  const unfit = storageError(value) ?? reservedName(value)
  const result = unfit ? null : FlagFile.safeParse(value, { error: issueText })
  if (result?.success) return { file: result.data }
  const faults = unfit ? [unfit] : fieldErrors(result?.error.issues ?? [], value)
  return { file: null, faults: faults.slice(0, faultsMax) }
}

const reserved = '__proto__'

/** The schemas would pass it over without a word. */
function reservedName(value: unknown): WrongField | null {
  const maps = ['flags', 'segments', 'layers'].flatMap((kind) => {
    const things = partsOf(value).filter(({ name }) => name === kind)
    const keyed = things.flatMap((thing) => partsOf(thing.value, thing.path))
    const inner = keyed.flatMap((one) => partsOf(one.value, one.path))
    return [...things, ...inner.filter(({ name }) => name === 'variants' || name === 'environments')]
  })
  const found = maps.find((map) => partsOf(map.value).some(({ name }) => name === reserved))
  return found
    ? { pointer: pointerOf([...found.path, reserved]), detail: 'is a name that nothing here may have' }
    : null
}

interface Part {
  readonly name: string
  readonly value: unknown
  readonly path: readonly string[]
}

function partsOf(value: unknown, path: readonly string[] = []): Part[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).map(([name, part]) => ({ name, value: part, path: [...path, name] }))
}
