import * as z from 'zod'
import { FlagKey } from './flag.ts'
import { JsonValue } from './json.ts'
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

const metadata = z.object({ ruleId: z.string().exactOptional() })

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

export const ExplainRequest = z
  .strictObject({ context: EvaluationContext.default({}) })
  .meta({ id: 'ExplainRequest' })

export const Explanation = z
  .strictObject({
    environment: z.string(),
    version: VersionToken,
    context: EvaluationContext,
    decision: Decision,
    trace: z.array(z.unknown()).readonly().meta({ description: 'Each step in order, with what it saw' }),
    text: z.array(z.string()).readonly().meta({ description: 'The trace in words, one line a step' }),
  })
  .meta({ id: 'Explanation' })
