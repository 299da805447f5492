/** `login` and `logout`: a token for an API, kept for this user of this machine. */
import { text } from 'node:stream/consumers'
import { makeApiClient } from '../api-client.ts'
import { usageError } from '../command-error.ts'
import { printJson, printLine, visible } from '../output.ts'
import { warnIfPlain } from '../place.ts'
import { defaultProfile, readProfiles, writeProfiles, type Profile } from '../profiles.ts'
import { ask, askSecret, canAsk } from '../prompt.ts'
import { checkUrl, type GlobalOptions, type Settings } from '../settings.ts'

export interface LoginOptions {
  readonly tokenStdin?: boolean
}

/** `login`: asks for what is not given, tries the token, and keeps it. */
export async function login(options: LoginOptions & GlobalOptions, settings: Settings): Promise<void> {
  const path = pathOf(settings)
  const name = settings.profile ?? defaultProfile
  const profiles = readProfiles(path)
  const before = Object.hasOwn(profiles, name) ? profiles[name] : undefined
  const api = await chooseApi(options, before)
  warnIfPlain(api)
  const token = await chooseToken(options)
  const who = await makeApiClient({ url: api, token }).call('whoami', {})
  const edge = options.edge ?? (before?.api === api ? before.edge : undefined)
  const profile: Profile = {
    api,
    token,
    ...(edge !== undefined && { edge: checkUrl('edge', { value: edge, from: '--edge' }) }),
    org: who.organization,
    ...placeOf(options, who),
  }
  // Read again: meanwhile somebody may have logged in elsewhere.
  writeProfiles(path, { ...readProfiles(path), [name]: profile })
  if (settings.isJson) return printJson({ profile: name, api, edge: edge ?? null, ...who })
  const where = [who.organization, who.project, who.environment].filter((text) => text !== null)
  printLine(`logged in at ${new URL(api).origin} as ${who.role} of ${visible(where.join('/'))}`)
  printLine(`kept in ${path}${name === defaultProfile ? '' : `, profile ${visible(name)}`}`)
}

/** `logout`: the token goes; the API knows it as before. */
export function logout(settings: Settings): void {
  const path = pathOf(settings)
  const name = settings.profile ?? defaultProfile
  const profiles = readProfiles(path)
  const { [name]: gone, ...rest } = profiles
  if (gone !== undefined && Object.hasOwn(profiles, name)) writeProfiles(path, rest)
  if (settings.isJson) return printJson({ profile: name, forgotten: gone !== undefined })
  if (gone === undefined) return printLine(`nobody is logged in with profile ${visible(name)}`)
  printLine(`forgot the token for ${visible(gone.api)}; to shut it out everywhere: halyard keys revoke`)
}

function pathOf({ profilesPath }: Settings): string {
  if (profilesPath !== null) return profilesPath
  throw usageError('there is no folder to keep a login in', 'set HOME or XDG_CONFIG_HOME')
}

async function chooseApi({ api, tokenStdin }: LoginOptions & GlobalOptions, before: Profile | undefined) {
  // Not from halyard.json: whoever wrote that is not to get a token.
  const given = api ?? process.env['HALYARD_API_URL'] ?? (tokenStdin ? before?.api : undefined)
  if (given !== undefined && given !== '') return checkUrl('api', { value: given, from: '--api' })
  if (!canAsk() || tokenStdin) throw usageError('--api is missing: the address of the management API')
  return checkUrl('api', { value: await ask('Address of the management API', before?.api), from: '--api' })
}

async function chooseToken({ token, tokenStdin }: LoginOptions & GlobalOptions): Promise<string> {
  if (!tokenStdin && token === undefined && !canAsk())
    throw usageError('there is no terminal to ask for a token', 'give it by --token-stdin')
  const given = tokenStdin
    ? await text(process.stdin)
    : (token ?? (await askSecret('Management token (hyd_svc_…)')))
  const trimmed = given.trim()
  if (/^hyd_(?:srv|cli)_/.test(trimmed))
    throw usageError('that is a key, which reads flags', 'login takes a management token: hyd_svc_…')
  if (/^[\x21-\x7E]+$/.test(trimmed)) return trimmed
  throw usageError('that is no token', 'a management token starts with hyd_svc_')
}

/** What the token is bound to, else what was said along with it. */
function placeOf(
  { project, env }: GlobalOptions,
  who: { readonly project: string | null; readonly environment: string | null },
): Pick<Profile, 'project' | 'env'> {
  const places = { project: who.project ?? project, env: who.environment ?? env?.[0] }
  return {
    ...(places.project !== undefined && { project: places.project }),
    ...(places.env !== undefined && { env: places.env }),
  }
}
