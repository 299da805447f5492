import type { Decision, Metadata } from './model.ts'

/** Texts of the decisions that evaluations share. */
const textCache = new WeakMap<Decision, string>()

/**
 * A decision as OFREP's JSON text: `{key, value, reason, variant, metadata}`, without `metadata` if there is none, or
 * for an error `{key, errorCode, errorDetails}`. Written once for each shared decision.
 */
export function decisionJson(decision: Decision): string {
  const known = textCache.get(decision)
  if (known !== undefined) return known
  const text = write(decision)
  // Decisions about unknown flags are made for one evaluation: they would only fill the cache.
  if (decision.reason !== 'ERROR' || decision.errorCode !== 'FLAG_NOT_FOUND') textCache.set(decision, text)
  return text
}

function write(decision: Decision): string {
  if (decision.reason === 'ERROR') {
    const { key, errorCode, errorDetails } = decision
    return JSON.stringify({ key, errorCode, errorDetails })
  }
  const { key, value, reason, variant, metadata } = decision
  return JSON.stringify({ key, value, reason, variant, ...(hasNames(metadata) && { metadata }) })
}

function hasNames(metadata: Metadata): boolean {
  return Object.keys(metadata).length > 0
}
