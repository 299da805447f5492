import { usageError } from './command-error.ts'
import { readLocalStack, type LocalStack } from './local-stack.ts'

/** The options that every command takes. */
export interface GlobalOptions {
  readonly api?: string
  readonly edge?: string
  readonly token?: string
  readonly key?: string
  readonly org?: string
  readonly project?: string
  readonly env?: readonly string[]
  readonly json?: boolean
}

type Name = Exclude<keyof GlobalOptions, 'json'>

/** Where commands get what they need: an option, then a variable, then the state file of a local stack. */
export interface Settings {
  readonly isJson: boolean
  /** The environments that were named by option. */
  readonly environments: readonly string[]
  /** Throws a usage error that says which option or variable gives it. */
  readonly need: (name: Name) => string
}

export const variables = {
  api: { option: '--api <url>', variable: 'HALYARD_API_URL', what: 'the address of the management API' },
  edge: { option: '--edge <url>', variable: 'HALYARD_EDGE_URL', what: 'the address of the edge' },
  token: { option: '--token <token>', variable: 'HALYARD_TOKEN', what: 'a management token' },
  key: { option: '--key <key>', variable: 'HALYARD_KEY', what: 'a server or client key' },
  org: { option: '--org <name>', variable: 'HALYARD_ORG', what: 'the organization' },
  project: { option: '--project <name>', variable: 'HALYARD_PROJECT', what: 'the project' },
  env: { option: '--env <name>', variable: 'HALYARD_ENV', what: 'the environment' },
} as const satisfies Record<Name, { option: string; variable: string; what: string }>

export function makeSettings(
  options: GlobalOptions,
  variablesOf: Readonly<Record<string, string | undefined>>,
  folder: string,
): Settings {
  let found: LocalStack | null | undefined
  const stack = () => (found === undefined ? (found = readLocalStack(folder)) : found)
  const given = (name: Name) => {
    const option = name === 'env' ? onlyOne(options.env) : options[name]
    return option ?? (variablesOf[variables[name].variable] || undefined)
  }
  const find = (name: Name): string | undefined => given(name) ?? fromStack(name, stack(), given)
  const need = (name: Name): string => {
    const value = find(name)
    if (value !== undefined) return name === 'api' || name === 'edge' ? checkUrl(name, value) : value
    const { option, variable, what } = variables[name]
    throw usageError(`${option.split(' ')[0]} is missing: ${what}`, `give ${option} or set ${variable}`)
  }
  return { isJson: options.json ?? false, environments: options.env ?? [], need }
}

/** The local stack's secrets are for the local stack only: they never go to an address that was given otherwise. */
function fromStack(
  name: Name,
  stack: LocalStack | null,
  given: (name: Name) => string | undefined,
): string | undefined {
  if (stack === null) return undefined
  const isOwn = (server: 'api' | 'edge') => isSameServer(given(server) ?? stack[server], stack[server])
  switch (name) {
    case 'api':
    case 'edge':
      return stack[name]
    case 'token':
    case 'org':
    case 'project':
    case 'env':
      return isOwn('api') ? stack[name] : undefined
    case 'key':
      return isOwn('edge') ? stack.keyOf(given('env') ?? stack.env) : undefined
  }
  return name satisfies never
}

function isSameServer(a: string, b: string): boolean {
  return URL.canParse(a) && new URL(a).origin === new URL(b).origin
}

function onlyOne(names: readonly string[] | undefined): string | undefined {
  if (names && names.length > 1) throw usageError('this command takes one --env')
  return names?.[0]
}

function checkUrl(name: 'api' | 'edge', text: string): string {
  if (URL.canParse(text)) {
    const { protocol, username, password, search, hash, href } = new URL(text)
    const isPlain = username === '' && password === '' && search === '' && hash === ''
    if ((protocol === 'https:' || protocol === 'http:') && isPlain) return href.replace(/\/+$/, '')
  }
  throw usageError(`--${name} is not a plain http or https address`, `such as https://flags.example.com`)
}
