import type { ErrorCode as OpenFeatureErrorCode, ResolutionDetails } from '@openfeature/core'
import type { ErrorCode, EvaluationDetails } from '../client/flags.ts'

/** The details that a client gives, as a provider returns them. */
export function resolutionOf<T>(details: EvaluationDetails<T>): ResolutionDetails<T> {
  const { flagKey, value, variant, reason, errorCode, errorMessage, flagMetadata } = details
  if (errorCode === undefined)
    return { value, reason, flagMetadata, ...(variant !== undefined && { variant }) }
  return {
    value,
    reason,
    errorCode: codeOf(errorCode),
    errorMessage: errorCode === 'FLAG_NOT_FOUND' ? `flag ${flagKey} not found` : (errorMessage ?? errorCode),
    flagMetadata,
  }
}

/** For a provider whose client is not made yet. */
export function notReady<T>(value: T): ResolutionDetails<T> {
  const errorMessage = 'the provider is not initialized: set it with setProvider or setProviderAndWait'
  return { value, reason: 'ERROR', errorCode: codeOf('PROVIDER_NOT_READY'), errorMessage }
}

/** The codes are OpenFeature's own, which its types call an enum: its members are these texts. */
function codeOf(code: ErrorCode): OpenFeatureErrorCode {
  return code as OpenFeatureErrorCode
}
