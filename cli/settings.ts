import { usageError, type CommandError } from './command-error.ts'
import { isLoopback, readLocalStack, type LocalStack } from './local-stack.ts'
import { defaultProfile, profilesPath, readProfiles, type Profile, type Profiles } from './profiles.ts'
import { readProjectFile, type ProjectFile } from './project-file.ts'

/** The options that every command takes. */
export interface GlobalOptions {
  readonly api?: string
  readonly edge?: string
  readonly token?: string
  readonly key?: string
  readonly org?: string
  readonly project?: string
  readonly env?: readonly string[]
  readonly profile?: string
  readonly json?: boolean
}

type Name = keyof typeof variables
type Server = 'api' | 'edge'

export interface Found {
  readonly value: string
  /** Where it comes from, for people. */
  readonly from: string
}

/** Where commands get what they need: an option, then a variable, halyard.json, a login, and the local stack. */
export interface Settings {
  readonly isJson: boolean
  /** The environments that were named by option. */
  readonly environments: readonly string[]
  /** The profile that was named by option or variable. */
  readonly profile: string | undefined
  /** Where `halyard login` keeps what it knows; null without a home. */
  readonly profilesPath: string | null
  /** Undefined if nothing gives it. Throws a usage error if what gives it is not what it has to be. */
  readonly find: (name: Name) => Found | undefined
  /** The value alone; throws a usage error that says what gives it. */
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
} as const

export const profileVariable = 'HALYARD_PROFILE'

export function makeSettings(
  options: GlobalOptions,
  variablesOf: Readonly<Record<string, string | undefined>>,
  folder: string,
): Settings {
  const sources = makeSources(options, variablesOf, folder)
  const find = (name: Name): Found | undefined => {
    const found = sources.given(name) ?? sources.stored(name)
    if (found === undefined) return undefined
    if (name === 'token' || name === 'key') checkTrust(name, found, sources)
    return name === 'api' || name === 'edge' ? { ...found, value: checkUrl(name, found) } : found
  }
  const need = (name: Name): string => {
    const value = find(name)?.value
    if (value === undefined) throw missing(name)
    return value
  }
  const profile = options.profile ?? (variablesOf[profileVariable] || undefined)
  const { isJson, environments } = { isJson: options.json ?? false, environments: options.env ?? [] }
  return { isJson, environments, profile, profilesPath: profilesPath(variablesOf), find, need }
}

interface Sources {
  /** By option or variable: what whoever runs the CLI said. */
  readonly given: (name: Name) => Found | undefined
  /** By a file. */
  readonly stored: (name: Name) => Found | undefined
  readonly file: () => ProjectFile | null
  readonly profiles: () => Profiles
}

function makeSources(
  options: GlobalOptions,
  variablesOf: Readonly<Record<string, string | undefined>>,
  folder: string,
): Sources {
  const stack = once(() => readLocalStack(folder))
  const file = once(() => readProjectFile(folder))
  const profiles = once(() => readProfiles(profilesPath(variablesOf)))
  const given = (name: Name): Found | undefined => {
    const option = name === 'env' ? onlyOne(options.env) : options[name]
    if (option !== undefined) return { value: option, from: `--${name}` }
    const { variable } = variables[name]
    const value = variablesOf[variable]
    return value ? { value, from: variable } : undefined
  }
  const inFile = (name: Name): Found | undefined => {
    const { path = '', values = {} } = file() ?? {}
    const value = name === 'token' || name === 'key' ? undefined : values[name]
    return value === undefined ? undefined : { value, from: path }
  }
  const named = options.profile ?? variablesOf[profileVariable]
  const profile = once(() => chooseProfile(profiles(), named, (given('api') ?? inFile('api'))?.value))
  const stored = (name: Name): Found | undefined => {
    const api = given('api') ?? inFile('api')
    return (
      inFile(name) ??
      fromProfile(name, profile(), api?.value) ??
      fromStack(name, stack(), (one) => given(one) ?? inFile(one) ?? fromProfile(one, profile(), api?.value))
    )
  }
  return { given, stored, file, profiles }
}

interface Chosen {
  readonly name: string
  readonly profile: Profile
}

/** The one that was named, else that of the API that was, else the usual one. */
function chooseProfile(profiles: Profiles, name: string | undefined, api: string | undefined): Chosen | null {
  const of = (name: string): Chosen | null => {
    const profile = Object.hasOwn(profiles, name) ? profiles[name] : undefined
    return profile ? { name, profile } : null
  }
  if (name) {
    const chosen = of(name)
    if (chosen) return chosen
    const known = Object.keys(profiles).join(', ') || 'none'
    throw usageError(
      `there is no profile "${name}"`,
      `there is ${known}; make one: halyard login --profile ${name}`,
    )
  }
  if (api === undefined) return of(defaultProfile)
  const names = [defaultProfile, ...Object.keys(profiles)]
  return names.map(of).find((chosen) => chosen !== null && isSameServer(chosen.profile.api, api)) ?? null
}

/** A stored token is for the API that it was given for, and so is the place that goes with it. */
function fromProfile(name: Name, chosen: Chosen | null, api: string | undefined): Found | undefined {
  if (chosen === null || name === 'key') return undefined
  const { profile } = chosen
  if (!isSameServer(api ?? profile.api, profile.api)) return undefined
  const value = profile[name]
  return value === undefined ? undefined : { value, from: `the login of profile ${chosen.name}` }
}

/** The local stack's secrets are for the local stack only: they never go to an address that was given otherwise. */
function fromStack(
  name: Name,
  stack: LocalStack | null,
  elsewhere: (name: Name) => Found | undefined,
): Found | undefined {
  if (stack === null) return undefined
  const isOwn = (server: Server) => isSameServer(elsewhere(server)?.value ?? stack[server], stack[server])
  switch (name) {
    case 'api':
      return ofStack(stack.api)
    case 'edge':
    case 'token':
    case 'org':
    case 'project':
    case 'env':
      return isOwn('api') ? ofStack(stack[name]) : undefined
    case 'key':
      return isOwn('api') && isOwn('edge')
        ? ofStack(stack.keyOf(elsewhere('env')?.value ?? stack.env))
        : undefined
  }
  return name satisfies never
}

function ofStack(value: string | undefined): Found | undefined {
  return value === undefined ? undefined : { value, from: 'the local stack' }
}

/** A halyard.json may be anybody's: the address in it gets no secret, unless one has logged in there. */
function checkTrust(name: 'token' | 'key', secret: Found, { given, stored, file, profiles }: Sources): void {
  const server = name === 'token' ? 'api' : 'edge'
  const address = given(server) ?? stored(server)
  const { path, values } = file() ?? {}
  if (address === undefined || given(name) === undefined || address.from !== path) return
  const isKnown = Object.values(profiles()).some((profile) =>
    isSameServer(profile[server] ?? '', address.value),
  )
  if (isLoopback(address.value) || isKnown) return
  const { variable } = variables[server]
  throw usageError(
    `${secret.from} is not sent to an address that only ${path} names: ${values?.[server]}`,
    `if it is yours, set ${variable}=${values?.[server]}, or log in there: halyard login`,
  )
}

function missing(name: Name): CommandError {
  const { option, variable, what } = variables[name]
  const login = name === 'token' ? ', or log in: halyard login' : ''
  return usageError(
    `${option.split(' ')[0]} is missing: ${what}`,
    `give ${option} or set ${variable}${login}`,
  )
}

export function isSameServer(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).origin === new URL(b).origin
}

function onlyOne(names: readonly string[] | undefined): string | undefined {
  if (names && names.length > 1) throw usageError('this command takes one --env')
  return names?.[0]
}

/** Without a slash at its end. */
export function checkUrl(name: Server, { value, from }: Found): string {
  if (URL.canParse(value)) {
    const { protocol, username, password, search, hash, href } = new URL(value)
    const isPlain = username === '' && password === '' && search === '' && hash === ''
    if ((protocol === 'https:' || protocol === 'http:') && isPlain) return href.replace(/\/+$/, '')
  }
  const where = from === `--${name}` ? from : `${from}: --${name}`
  throw usageError(`${where} is not a plain http or https address`, `such as https://flags.example.com`)
}

function once<T>(make: () => T): () => T {
  let held: { readonly value: T } | undefined
  return () => (held ??= { value: make() }).value
}
