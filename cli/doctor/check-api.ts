import { limits } from '@halyard/shared/contract/limits.ts'
import { Whoami, type Environment } from '@halyard/shared/contract/resources.ts'
import { send } from '../send.ts'
import { clientOf, projectOf } from '../place.ts'
import type { Settings } from '../settings.ts'
import { fail, failWith, ok, warn, type Finding } from './finding.ts'

/** A token is checked against the server's clock, and so are flags that change with time. */
const skewMaxMs = 30_000

export interface ApiFindings {
  readonly findings: readonly Finding[]
  /** What readers should be given; null if it is not known. */
  readonly publishedVersion: string | null
}

/** Whether the API can be reached with the token, and the place in it is there. */
export async function checkApi(settings: Settings): Promise<ApiFindings> {
  if (!isSet(settings)) return { findings: [], publishedVersion: null }
  try {
    const findings = await checkToken(settings)
    if (findings.some(({ outcome }) => outcome === 'fail')) return { findings, publishedVersion: null }
    const place = await checkPlace(settings)
    return { ...place, findings: [...findings, ...place.findings] }
  } catch (error) {
    const remedy = 'is the address right, and does the API run?'
    return { findings: [failWith('API', error, remedy)], publishedVersion: null }
  }
}

function isSet(settings: Settings): boolean {
  try {
    return settings.find('api') !== undefined && settings.find('token') !== undefined
  } catch {
    return false // told with the settings
  }
}

async function checkToken(settings: Settings): Promise<Finding[]> {
  const url = settings.need('api')
  const startedMs = Date.now()
  const response = await send({
    method: 'GET',
    url: `${url}/api/v1/whoami`,
    headers: { authorization: `Bearer ${settings.need('token')}` },
    isRepeatable: true,
  })
  const tookMs = Date.now() - startedMs
  const answer: unknown = await response.json().catch(() => undefined) // told below
  const skew = checkClock(response.headers.get('date'), startedMs + tookMs / 2)
  if (response.status === 401)
    return [ok('API', url), fail('token', 'the API does not know it', 'log in again: halyard login')]
  const who = Whoami.safeParse(answer)
  if (!response.ok || !who.success)
    return [
      fail('API', `${url} answered ${response.status}, and not as Halyard does`, 'is the address right?'),
    ]
  const { role, organization, project, environment } = who.data
  const reach = [organization, project, environment].filter((name) => name !== null).join('/')
  const may = `${role} of ${reach}`
  const token =
    role === 'viewer' ? warn('token', may, 'it may read; changes need an editor') : ok('token', may)
  return [ok('API', `${url} in ${tookMs} ms`), token, ...skew]
}

/** The server's clock goes by seconds. */
function checkClock(date: string | null, nowMs: number): Finding[] {
  if (date === null) return []
  const skewMs = nowMs - Date.parse(date)
  if (Math.abs(skewMs) <= skewMaxMs) return [ok('clock', 'as that of the API')]
  const seconds = Math.round(Math.abs(skewMs) / 1000)
  const what = `${seconds} s ${skewMs > 0 ? 'ahead of' : 'behind'} that of the API`
  return [warn('clock', what, 'set it: flags that change with time change at other moments here')]
}

async function checkPlace(settings: Settings): Promise<ApiFindings> {
  const name = settings.find('env')?.value
  if (settings.find('org') === undefined || settings.find('project') === undefined || name === undefined)
    return { findings: [], publishedVersion: null } // told with the settings
  try {
    const params = projectOf(settings)
    const { items } = await clientOf(settings).call('listEnvironments', {
      params,
      query: { limit: limits.pageSize },
    })
    const found = items.find(({ key }) => key === name)
    if (found) return { findings: [describe(found)], publishedVersion: found.publishedVersion }
    const there = items.map(({ key }) => key).join(', ')
    const finding = fail(
      'environment',
      `there is no "${name}"`,
      `there is ${there}; make one: halyard envs create ${name}`,
    )
    return { findings: [finding], publishedVersion: null }
  } catch (error) {
    return { findings: [failWith('project', error, 'see: halyard projects list')], publishedVersion: null }
  }
}

function describe({ key, version, publishedVersion, frozen, protected: isProtected }: Environment): Finding {
  const what = `${key} at version ${version}${isProtected ? ', protected' : ''}`
  if (frozen) return warn('environment', `${what}, frozen: ${frozen.comment}`, 'edits wait: halyard unfreeze')
  if (publishedVersion === version) return ok('environment', what)
  return warn(
    'environment',
    `${what}, published up to ${publishedVersion ?? 'none'}`,
    'look again in some seconds',
  )
}
