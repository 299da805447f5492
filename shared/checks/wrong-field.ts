import type { FieldCode, FieldError } from '../contract/problems.ts'

/** A field that is wrong; `invalid_value` if it does not say how. */
export type WrongField = Omit<FieldError, 'code'> & { readonly code?: FieldCode }

/** The JSON pointer (RFC 6901) of a path of names. */
export function pointerOf(path: readonly PropertyKey[]): string {
  return path.map((name) => `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}
