/** Facts of the request, which rules read under `edge.`. The platform gives them; what it does not give is absent. */
import type { EvaluationContext, Json } from '@halyard/shared/engine/model.ts'

/** Whether a snapshot may read a fact: then its body names one. Values that look alike only cost the facts' making. */
export function namesFacts(body: string): boolean {
  return body.includes('"edge.') || body.includes('"edge"')
}

/**
 * The context for class client: whatever the caller gave as `edge` is dropped. An own property in the place of a
 * parsed one, and spreading copies own properties: no name of the caller's reaches a prototype.
 */
export function withFacts(context: EvaluationContext, request: Request, isRead: boolean): EvaluationContext {
  if (isRead) return { ...context, edge: factsOf(request) }
  if (!Object.hasOwn(context, 'edge')) return context
  const { edge: _, ...rest } = context
  return rest
}

function factsOf({ cf, headers }: Request): EvaluationContext {
  // Without `cf` no platform stands before the Worker, and the header would be the caller's own.
  if (!cf) return {}
  const country = textOf(cf['country'])
  const facts: Record<string, Json | undefined> = {
    country,
    region: textOf(cf['region']),
    city: textOf(cf['city']),
    continent: textOf(cf['continent']),
    isEU: country === undefined ? undefined : cf['isEUCountry'] === '1',
    asn: typeof cf['asn'] === 'number' ? cf['asn'] : undefined,
    colo: textOf(cf['colo']),
    timezone: textOf(cf['timezone']),
    ip: textOf(headers.get('CF-Connecting-IP')),
  }
  return Object.fromEntries(Object.entries(facts).filter(isGiven))
}

function isGiven(entry: [string, Json | undefined]): entry is [string, Json] {
  return entry[1] !== undefined
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
