/** `@halyard/sdk/openfeature-server`: a provider for `@openfeature/server-sdk`. */
export { HalyardProvider } from './provider.ts'
export type { AnyFlagClient, ProviderOptions } from './provider.ts'
