import { evaluateAll } from '@halyard/shared/engine/evaluate.ts'
import type { Decision } from '@halyard/shared/engine/model.ts'
import { loadSnapshot } from '@halyard/shared/engine/snapshot.ts'
import { compilePattern } from '@halyard/shared/pattern/pattern.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import { canonicalJson } from '../canonical-json.ts'
import type { Compiled } from './compile.ts'
import { sampleScheme } from './sample-contexts.ts'

/**
 * What a compiled environment decides on its sample contexts, as `scheme-SHA256`: two compilers that agree give the
 * same text, whatever bytes they write. `nowMs` is the moment of the decisions: for a head that is stored, its
 * `published_at`, which the verifier uses again. Large lists are left out, so that flags which reach one err alike.
 */
export async function sampleHash(
  { body, samples }: Pick<Compiled, 'body' | 'samples'>,
  nowMs: number,
): Promise<string> {
  const snapshot = loadSnapshot(body, { compilePattern })
  const bySample = samples.map((context) => evaluateAll(snapshot, context, nowMs))
  const lines = (bySample[0] ?? []).map((_, flag) => lineOf(bySample, flag))
  return `${sampleScheme}-${await sha256Hex(lines.join('\n'))}`
}

/** Each different outcome stands once, however long its value is, and then which sample has which. */
function lineOf(bySample: readonly (readonly Decision[])[], flag: number): string {
  // The engine shares what it decides alike: few are looked at closely. How many it shares must not count.
  const seen: Decision[] = []
  const places = bySample.map((decisions) => {
    const decision = decisions[flag]
    if (!decision) throw new Error('every sample is decided for every flag')
    const place = seen.indexOf(decision)
    return place === -1 ? seen.push(decision) - 1 : place
  })
  const texts = seen.map(outcomeOf)
  const outcomes = [...new Set(texts)]
  const placed = places.map((place) => outcomes.indexOf(texts[place] ?? ''))
  return [seen[0]?.key, ...outcomes, placed.join(' ')].join('\t')
}

/** Not the words of an error, which a compiler may put better. */
function outcomeOf(decision: Decision): string {
  const { reason, metadata } = decision
  const { ruleId = null, expired = null, prerequisite = null } = metadata
  const given = reason === 'ERROR' ? [decision.errorCode] : [decision.variant, canonicalJson(decision.value)]
  return JSON.stringify([reason, ...given, ruleId, expired, prerequisite])
}
