/** A page as a user of the published web provider writes it; the browser test asks it for values. */
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider'
import { OpenFeature, type EvaluationContext, type Provider } from '@openfeature/web-sdk'

export interface Start {
  readonly baseUrl: string
  readonly key: string
  readonly context: EvaluationContext
}

const page = {
  async start({ baseUrl, key, context }: Start) {
    await OpenFeature.setContext(context)
    const headers: [string, string][] = [['Authorization', `Bearer ${key}`]]
    const provider = new OFREPWebProvider({ baseUrl, headers, pollInterval: 250 })
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
}

export type Page = typeof page

Object.assign(globalThis, { page })
