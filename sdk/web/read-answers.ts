import type { EvaluationDetails, Json } from '../client/flags.ts'
import type { WebBootstrap } from '../client/web-bootstrap.ts'
import type { Answers } from './web-client.ts'

/** Answers as OFREP's bulk evaluation lists them. Throws if it is no such list. */
export function readAnswers(items: unknown): Answers {
  const answers: Record<string, EvaluationDetails<Json>> = Object.create(null) // a flag may be called `__proto__`
  for (const item of items as Iterable<Item>) answers[item.key] = readItem(item)
  return Object.freeze(answers)
}

/** The flags of a bootstrap as such a list. */
export function listBootstrap({ flags }: WebBootstrap): readonly object[] {
  return Object.entries(flags).map(([key, flag]) => ({ key, ...flag }))
}

/** The answers with those of `before` in the place of equal ones, and the keys of the others and of those that are gone. */
export function mergeAnswers(before: Answers, after: Answers): { answers: Answers; changed: string[] } {
  const answers: Record<string, EvaluationDetails<Json>> = Object.create(null)
  const changed = Object.keys(before).filter((key) => !after[key])
  for (const [key, answer] of Object.entries(after)) {
    const known = before[key]
    const isSame = known && JSON.stringify(known) === JSON.stringify(answer)
    answers[key] = isSame ? known : answer
    if (!isSame) changed.push(key)
  }
  return { answers: Object.freeze(answers), changed }
}

/** As the edge writes it: a decision, or an error without a value and a reason. */
interface Item extends Pick<EvaluationDetails<Json>, 'variant' | 'reason' | 'errorCode'> {
  readonly key: string
  readonly value?: Json
  readonly errorDetails?: string
  readonly metadata?: EvaluationDetails<Json>['flagMetadata']
}

function readItem({ key, value, errorDetails, metadata, ...others }: Item): EvaluationDetails<Json> {
  if (typeof key !== 'string' || (value === undefined && !others.errorCode))
    throw new TypeError('not a list of flags')
  return freeze({
    flagKey: key,
    value: value ?? null,
    ...(errorDetails && { reason: 'ERROR', errorMessage: errorDetails }),
    ...others,
    flagMetadata: metadata ?? {},
  })
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze)
  return value
}
