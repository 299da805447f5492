import { listen } from '../stream/listen.ts'
import { send } from '../send.ts'
import type { Settings } from '../settings.ts'
import { fail, failWith, ok, warn, type Finding } from './finding.ts'

interface Status {
  readonly version: string
  readonly ageSec: number
  readonly confirmed: boolean
}

const streamTimeoutMs = 10_000
const ageMaxSec = 30

/** Whether the edge answers the key, holds what the API published, and a stream opens. */
export async function checkEdge(settings: Settings, publishedVersion: string | null): Promise<Finding[]> {
  let where: { url: string; key: string }
  try {
    const [edge, key] = [settings.find('edge'), settings.find('key')]
    if (!edge || !key) return [] // told with the settings
    where = { url: edge.value, key: key.value }
  } catch {
    return [] // told with the settings
  }
  try {
    const { findings, status } = await checkStatus(where)
    if (status === null) return findings
    return [...findings, ...compare(status, publishedVersion), await checkStream(where)]
  } catch (error) {
    return [failWith('edge', error, 'is the address right, and does the edge run?')]
  }
}

async function checkStatus({ url, key }: { url: string; key: string }) {
  const startedMs = Date.now()
  const headers = { authorization: `Bearer ${key}` }
  const response = await send({ method: 'GET', url: `${url}/v1/status`, headers, isRepeatable: true })
  const tookMs = Date.now() - startedMs
  const answer: unknown = await response.json().catch(() => undefined) // told below
  const edge = ok('edge', `${url} in ${tookMs} ms`)
  if (response.status === 401 || response.status === 403) {
    const remedy = 'make another: halyard keys create server --name NAME'
    return { findings: [edge, fail('key', `the edge refuses it (${response.status})`, remedy)], status: null }
  }
  if (!response.ok || !isStatus(answer)) {
    const what = `${url} answered ${response.status}, and not as Halyard does`
    return { findings: [fail('edge', what, 'is the address right?')], status: null }
  }
  const held = `version ${answer.version}, confirmed ${Math.round(answer.ageSec)} s ago`
  const isFresh = answer.confirmed && answer.ageSec <= ageMaxSec
  const freshness = isFresh
    ? ok('freshness', held)
    : warn('freshness', held, 'the edge has lost its hub: it serves what it holds')
  return { findings: [edge, freshness], status: answer }
}

function isStatus(answer: unknown): answer is Status {
  if (typeof answer !== 'object' || answer === null) return false
  const { version, ageSec, confirmed } = answer as Partial<Status> // seen here
  return typeof version === 'string' && typeof ageSec === 'number' && typeof confirmed === 'boolean'
}

function compare({ version }: Status, publishedVersion: string | null): Finding[] {
  if (publishedVersion === null) return []
  if (version === publishedVersion) return [ok('versions', 'the edge has what the API published')]
  return [
    warn(
      'versions',
      `the edge has ${version}, the API published ${publishedVersion}`,
      'look again in some seconds; is the key of this environment?',
    ),
  ]
}

async function checkStream({ url, key }: { url: string; key: string }): Promise<Finding> {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), streamTimeoutMs)
  let isOpen = false
  const hear = () => {
    isOpen = true
    stop.abort()
    return true
  }
  const ending = await listen({
    url: `${url.replace(/^http/, 'ws')}/v1/stream`,
    key,
    signal: stop.signal,
    hear,
  })
  clearTimeout(timer)
  if (isOpen) return ok('stream', 'opens, and speaks')
  const remedy = 'readers ask again and again instead; does a proxy let WebSockets through?'
  return warn('stream', ending.reason === 'stopped' ? 'says nothing' : ending.reason, remedy)
}
