/** What the flags of OpenFeature's suites give. */
import type { JsonValue } from '@openfeature/core'

const pictures = { showImages: true, title: 'Check out these pics!', imagesPerPage: 100 }
type Value = boolean | number | string | JsonValue

/** Key, a default value that is never given, what is given instead, its variant. */
export const fixed: readonly (readonly [string, Value, Value, string])[] = [
  ['boolean-flag', false, true, 'on'],
  ['string-flag', 'bye', 'hi', 'greeting'],
  ['integer-flag', 1, 10, 'ten'],
  ['float-flag', 0.1, 0.5, 'half'],
  ['object-flag', {}, pictures, 'template'],
  ['boolean-zero-flag', true, false, 'zero'],
  ['string-zero-flag', 'hi', '', 'zero'],
  ['integer-zero-flag', 1, 0, 'zero'],
  ['float-zero-flag', 0.1, 0, 'zero'],
  ['object-zero-flag', { a: 1 }, {}, 'zero'],
]

/** Those whose rule asks for one address, and gives what everybody gets. */
export const targeted: readonly (readonly [string, Value, Value])[] = [
  ['boolean-targeted-zero-flag', true, false],
  ['string-targeted-zero-flag', 'str', ''],
  ['integer-targeted-zero-flag', 1, 0],
  ['float-targeted-zero-flag', 0.1, 0],
  ['object-targeted-zero-flag', { a: 1 }, {}],
]

/** With the value of their off variant. */
export const disabled: readonly (readonly [string, Value])[] = [
  ['boolean-disabled-flag', false],
  ['string-disabled-flag', 'bye'],
  ['integer-disabled-flag', 1],
  ['float-disabled-flag', 0.1],
  ['object-disabled-flag', {}],
]

/** Asked for as of another type than they are. */
export const mismatched: readonly (readonly [string, Value])[] = [
  ['boolean-flag', 'bye'],
  ['boolean-flag', 1],
  ['string-flag', false],
  ['string-flag', 13],
  ['string-flag', {}],
  ['object-flag', 'text'],
  ['wrong-flag', false],
]
