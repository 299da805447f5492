import * as z from 'zod'
import { limits } from './limits.ts'

const form = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    '1 to 100 of A-Z a-z 0-9 . _ -, starting with a letter or digit',
  )
const description = 'Case-sensitive, and unique without regard to case'

export const FlagKey = form.meta({ id: 'FlagKey', description, examples: ['new-checkout'] })
export const SegmentKey = form.meta({ id: 'SegmentKey', description, examples: ['beta-testers'] })
export const LayerKey = form.meta({ id: 'LayerKey', description, examples: ['checkout-experiments'] })
export const MetricName = form.meta({
  id: 'MetricName',
  description: 'What an application tracks, by the name that it gives; case-sensitive',
  examples: ['checkout-completed'],
})
export const VariantKey = z.string().min(1).max(limits.variantKeyLength)
