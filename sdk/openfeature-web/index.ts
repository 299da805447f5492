/** `@halyard/sdk/openfeature-web`: a provider for `@openfeature/web-sdk`. */
export { HalyardWebProvider } from './provider.ts'
export type { AnyWebClient, WebProviderClientOptions, WebProviderOptions } from './provider.ts'
