/** A page whose flags come by OpenFeature: what a test calls there. */
import { OpenFeature, ProviderEvents } from '@openfeature/web-sdk'
import { HalyardWebProvider } from '@halyard/sdk/openfeature-web/index.ts'

const changes: (readonly string[])[] = []
const client = OpenFeature.getClient()
client.addHandler(ProviderEvents.ConfigurationChanged, (event) => changes.push(event?.flagsChanged ?? []))

Object.assign(globalThis, {
  changes,
  startFlags: (options: { readonly edge: string; readonly key: string }) =>
    OpenFeature.setProviderAndWait(new HalyardWebProvider(options)),
  readFlag: () => client.getBooleanValue('changing-flag', false),
})
