/** Pages as their users write them: with the published web provider, and without any; the browser tests ask them. */
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider'
import { OpenFeature, ProviderEvents, type EvaluationContext, type Provider } from '@openfeature/web-sdk'

export interface Start {
  readonly baseUrl: string
  readonly key: string
  readonly context: EvaluationContext
  /** 0: it asks only when a stream tells it to. */
  readonly pollInterval: number
}

/** What a page that opens a stream by itself has heard. */
export interface Heard {
  readonly event: string
  readonly id: string
  readonly data: string
}

const heard: Heard[] = []
const changes: unknown[] = []

const page = {
  async start({ baseUrl, key, context, pollInterval }: Start) {
    await OpenFeature.setContext(context)
    const headers: [string, string][] = [['Authorization', `Bearer ${key}`]]
    const provider = new OFREPWebProvider({ baseUrl, headers, pollInterval })
    OpenFeature.addHandler(ProviderEvents.ConfigurationChanged, (event) => changes.push(event?.flagsChanged))
    await OpenFeature.setProviderAndWait(provider as Provider) // its types do not know exactOptionalPropertyTypes
  },
  read(key: string, fallback: number | boolean) {
    const client = OpenFeature.getClient()
    const { value, variant, reason, errorCode } =
      typeof fallback === 'number'
        ? client.getNumberDetails(key, fallback)
        : client.getBooleanDetails(key, fallback)
    return { value, variant, reason, errorCode }
  },
  move: (context: EvaluationContext) => OpenFeature.setContext(context),
  changes: () => changes,
  /** A credential for streams, by the key in a header. */
  async credential(baseUrl: string, key: string): Promise<string> {
    const headers = { Authorization: `Bearer ${key}` }
    const answer = await fetch(`${baseUrl}/v1/stream-credential`, { method: 'POST', headers })
    return ((await answer.json()) as { credential: string }).credential // what the edge answers
  },
  hearEvents(url: string) {
    const source = new EventSource(url)
    const kinds = ['hello', 'snapshot', 'delta', 'changed', 'goaway'] as const
    for (const kind of kinds)
      source.addEventListener(kind, (event) => {
        const { data, lastEventId } = event as MessageEvent // as all events of a stream are
        heard.push({ event: kind, id: lastEventId, data: String(data) })
      })
    source.addEventListener('error', () =>
      heard.push({ event: `error ${source.readyState}`, id: '', data: '' }),
    )
  },
  hearSocket(url: string, credential: string) {
    const socket = new WebSocket(url, ['halyard.v1', credential])
    socket.addEventListener('open', () => heard.push({ event: 'open', id: '', data: socket.protocol }))
    socket.addEventListener('message', ({ data }) =>
      heard.push({ event: JSON.parse(String(data)).kind, id: '', data: String(data) }),
    )
    socket.addEventListener('close', ({ code }) => heard.push({ event: 'close', id: '', data: String(code) }))
  },
  heard: () => heard,
}

export type Page = typeof page

Object.assign(globalThis, { page })
