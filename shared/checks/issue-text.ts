import type * as z from 'zod'

/** What zod finds wrong, in the words of this API; undefined leaves it to the schema, or to zod. */
export function issueText(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${nounOf(issue.expected)}`
    case 'invalid_value':
      return `must be ${issue.values.length > 1 ? 'one of ' : ''}${issue.values.map((one) => JSON.stringify(one)).join(', ')}`
    case 'too_big':
      return bound(issue.origin, issue.maximum, { least: false, isOpen: issue.inclusive === false })
    case 'too_small':
      return bound(issue.origin, issue.minimum, { least: true, isOpen: issue.inclusive === false })
    case 'unrecognized_keys':
      return 'is not a field here'
    default:
      return undefined
  }
}

/** What a JSON value of this type is called. */
export function nounOf(expected: string): string {
  return nouns[expected] ?? `of type ${expected}`
}

const nouns: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

interface End {
  readonly least: boolean
  /** The limit itself is not allowed. */
  readonly isOpen: boolean
}

function bound(origin: string, limit: number | bigint, { least, isOpen }: End): string {
  const amount = limit.toLocaleString('en')
  const words = `${least ? 'at least' : 'at most'} ${amount}`
  const many = Number(limit) === 1 ? '' : 's'
  if (origin === 'array') return `${words} item${many} ${many ? 'are' : 'is'} ${least ? 'needed' : 'allowed'}`
  if (origin === 'string') return `must have ${words} character${many}`
  return isOpen ? `must be ${least ? 'more' : 'less'} than ${amount}` : `must be ${words}`
}
