import * as z from 'zod'
import { FlagKey } from './key.ts'
import { JsonValue } from './json.ts'
import { limits } from './limits.ts'
import { Moment } from './moment.ts'
import { VersionToken } from './resources.ts'

export const EvaluationContext = z.record(z.string().max(200), JsonValue).meta({
  id: 'EvaluationContext',
  description: 'Attributes to evaluate for; `targetingKey` says who',
  examples: [{ targetingKey: 'user-123' }],
})

export const EvaluateRequest = z
  .strictObject({
    flag: FlagKey.optional().meta({ description: 'One flag; all flags if left out' }),
    context: EvaluationContext.default({}),
  })
  .meta({ id: 'EvaluateRequest' })

const metadata = z.object({
  ruleId: z.string().exactOptional(),
  expired: z.literal(true).exactOptional(),
  prerequisite: z.string().exactOptional(),
})

export const Decision = z
  .union([
    z.strictObject({
      key: z.string(),
      value: JsonValue,
      variant: z.string(),
      reason: z.enum(['STATIC', 'DEFAULT', 'TARGETING_MATCH', 'SPLIT', 'DISABLED']),
      metadata,
    }),
    z.strictObject({
      key: z.string(),
      reason: z.literal('ERROR'),
      errorCode: z.string(),
      errorDetails: z.string(),
      metadata,
    }),
  ])
  .meta({ id: 'Decision', description: 'What the engine decided, in the terms of OpenFeature' })

export const EvaluateResult = z
  .strictObject({ environment: z.string(), version: VersionToken, flags: z.array(Decision).readonly() })
  .meta({ id: 'EvaluateResult' })

const asked = {
  version: VersionToken.optional().meta({
    description: 'A version that the environment was at; the newest if left out',
  }),
}
const now = 'The moment of the evaluation; the present one if left out'

export const ExplainQuery = z.strictObject({
  targetingKey: z.string().max(limits.textLength).optional(),
  ...asked,
  now: Moment.optional().meta({ description: now }),
})

export const ExplainRequest = z
  .strictObject({
    context: EvaluationContext.default({}),
    ...asked,
    now: Moment.optional().meta({ description: now }),
  })
  .meta({ id: 'ExplainRequest' })

export const Explanation = z
  .strictObject({
    environment: z.string(),
    version: VersionToken,
    now: z.iso.datetime(),
    context: EvaluationContext,
    decision: Decision,
    trace: z.array(z.unknown()).readonly().meta({ description: 'Each step in order, with what it saw' }),
    text: z.array(z.string()).readonly().meta({ description: 'The trace in words, one line a step' }),
    rules: z
      .array(z.strictObject({ id: z.string(), name: z.string().nullable(), sentence: z.string() }))
      .readonly()
      .meta({ description: 'Every rule of the flag, read back as a sentence' }),
    fallthrough: z.string().meta({ description: 'What the others get, as a sentence' }),
  })
  .meta({ id: 'Explanation' })
