import { expect, test } from 'vitest'
import { foldingRanges, foldingUnicode } from '@halyard/shared/engine/operators/folding-table.ts'
import { makeFoldingRanges } from './make-folding.ts'

const isSameUnicode = process.versions['unicode'] === foldingUnicode

test.skipIf(!isSameUnicode)(
  'the folding table is what its generator makes of the same Unicode version',
  () => {
    expect(makeFoldingRanges()).toEqual(foldingRanges)
  },
)
