/** Code units of characters that hand-written parsers look for. */
export const plus = 0x2b
export const dash = 0x2d
export const dot = 0x2e
export const zero = 0x30
export const colon = 0x3a
/** Set in small letters, clear in capitals. */
export const letterCaseBit = 0x20

/** Whether a code unit, or NaN for none, is one of `0` to `9`. */
export function isDigit(unit: number): boolean {
  return unit >= zero && unit <= zero + 9
}
