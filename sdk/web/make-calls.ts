import type { ErrorCode, EvaluationDetails, Json } from '../client/flags.ts'
import type { Answers } from './web-client.ts'

export interface CallPorts {
  readonly answers: () => Answers
  readonly count: (flag: string, variant: string | null) => void
}

/** What there is before there are answers. */
export const none: Answers = Object.freeze(Object.create(null))

/** Makes the reading part of a client, as `makeFlags` does where flags are evaluated. */
export function makeCalls({ answers, count }: CallPorts) {
  const read = (key: string, defaultValue?: Json) => {
    const answer = pickAnswer(answers(), key)
    if (answer) count(key, answer.variant ?? null)
    return readDetails(answer, key, defaultValue)
  }
  const readValue = (key: string, defaultValue: Json) => read(key, defaultValue).value
  return {
    boolean: readValue,
    string: readValue,
    number: readValue,
    json: readValue,
    booleanDetails: read,
    stringDetails: read,
    numberDetails: read,
    jsonDetails: read,
    isEnabled: (key: string) => readValue(key, false),
    variant: (key: string) => read(key).variant,
    all: answers,
  }
}

/** Undefined: there is no such flag; null: there are no flags yet. */
export function pickAnswer(answers: Answers, key: string): EvaluationDetails<Json> | undefined | null {
  return answers === none ? null : answers[key]
}

/** The answer if it is of the type of the default value, or that with what went wrong; without a default, of any type. */
export function readDetails(
  answer: EvaluationDetails<Json> | undefined | null,
  key: string,
  defaultValue?: Json,
): EvaluationDetails<Json> {
  const fail = (errorCode: ErrorCode, errorMessage: string): EvaluationDetails<Json> => ({
    flagKey: key,
    value: defaultValue ?? null,
    reason: 'ERROR',
    errorCode,
    errorMessage,
    flagMetadata: {},
  })
  if (answer === null) return fail('PROVIDER_NOT_READY', 'there are no flags yet')
  if (!answer) return fail('FLAG_NOT_FOUND', `there is no flag "${key}"`)
  if (answer.errorCode) return fail(answer.errorCode, answer.errorMessage ?? '')
  if (defaultValue !== undefined && (answer.value === null || typeof answer.value !== typeof defaultValue))
    return fail('TYPE_MISMATCH', `is ${typeof answer.value}, not ${typeof defaultValue}`)
  return answer
}
