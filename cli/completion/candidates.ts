import type { Argument, Command, Option } from 'commander'

/** Names that only the API knows. */
export type Kind = 'flags' | 'segments' | 'environments'

export interface Candidate {
  readonly value: string
  readonly what: string
}

/** What may stand at the end of a line: words that are known here, and names to ask for. */
export interface Wanted {
  readonly candidates: readonly Candidate[]
  readonly kind: Kind | null
  /** The values of options on the line, by name, for whoever asks. */
  readonly options: Readonly<Record<string, string>>
}

/** The words are those after `halyard`, the last one as far as it is typed. */
export function findCandidates(program: Command, words: readonly string[]): Wanted {
  const current = words.at(-1) ?? ''
  const { command, operands, open, options } = walk(program, words.slice(0, -1))
  const found = open
    ? valuesOf(open)
    : current.startsWith('-')
      ? { candidates: optionsOf(program, command), kind: null }
      : wordsOf(command, operands)
  return { ...found, options, candidates: found.candidates.filter(({ value }) => value.startsWith(current)) }
}

interface Walked {
  readonly command: Command
  /** How many arguments it has so far. */
  readonly operands: number
  /** An option that waits for its value. */
  readonly open: Option | undefined
  readonly options: Readonly<Record<string, string>>
}

function walk(program: Command, words: readonly string[]): Walked {
  let [command, operands] = [program, 0]
  let open: Option | undefined
  const options: Record<string, string> = {}
  for (const word of words) {
    const option = word.startsWith('-') ? findOption(program, command, word) : undefined
    const inner = command.commands.find((one) => one.name() === word)
    if (open && !word.startsWith('-')) {
      options[open.attributeName()] = word
      if (!open.variadic) open = undefined
    } else if (word.startsWith('-')) {
      open = option && (option.required || option.optional) ? option : undefined
    } else if (inner && operands === 0) command = inner
    else operands += 1
  }
  return { command, operands, open, options }
}

function findOption(program: Command, command: Command, word: string): Option | undefined {
  return [...command.options, ...program.options].find(({ long, short }) => long === word || short === word)
}

type Found = Pick<Wanted, 'candidates' | 'kind'>

function valuesOf(option: Option): Found {
  const kinds: Readonly<Record<string, Kind>> = { env: 'environments', flag: 'flags', segment: 'segments' }
  const name = option.attributeName()
  return { candidates: choicesOf(option), kind: Object.hasOwn(kinds, name) ? (kinds[name] ?? null) : null }
}

function optionsOf(program: Command, command: Command): Candidate[] {
  const all = new Map([...command.options, ...program.options].map((option) => [option.long, option]))
  return [...all.values()].flatMap(({ long, hidden, description }) =>
    typeof long === 'string' && !hidden ? [{ value: long, what: description }] : [],
  )
}

function wordsOf(command: Command, operands: number): Found {
  const inner = operands > 0 ? [] : command.createHelp().visibleCommands(command)
  const named = inner.map((one) => ({ value: one.name(), what: one.description() }))
  const { registeredArguments: all } = command
  const last = all.at(-1)
  const argument = all[operands] ?? (last?.variadic ? last : undefined)
  if (!argument) return { candidates: named, kind: null }
  return { candidates: [...named, ...choicesOf(argument)], kind: kindOf(command, argument) }
}

function choicesOf({ argChoices }: Option | Argument): Candidate[] {
  return (argChoices ?? []).map((value) => ({ value, what: '' }))
}

/** By where a command stands: a key is that of a segment below `segments`, else of a flag. */
function kindOf(command: Command, argument: Argument): Kind | null {
  const path: string[] = []
  for (let at: Command | null = command; at; at = at.parent) path.push(at.name())
  const [verb = ''] = path
  if (path.includes('envs') || verb === 'freeze' || verb === 'unfreeze')
    return argument.name() === 'text' ? null : 'environments'
  if (argument.name() !== 'key' || verb === 'create' || path.includes('projects') || path.includes('layers'))
    return null
  return path.includes('segments') ? 'segments' : 'flags'
}
