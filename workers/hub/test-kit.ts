/** What the tests of the hub have in common: its real bindings, and publications that are really signed. */
import { runInDurableObject } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import type { JWK } from 'jose'
import type { AccessKey } from '@halyard/shared/protocol/access.ts'
import { sha256Hex } from '@halyard/shared/protocol/hash.ts'
import type { HubPublishApi, HubReadApi, Publication } from '@halyard/shared/protocol/hub.ts'
import { makeId } from '@halyard/shared/protocol/ids.ts'
import { signPublication, type Compiled } from '@halyard/shared/protocol/publication.ts'
import type { EnvironmentObject, HubEnv, RelayObject } from './env.ts'
import { release } from './release.ts'

// The plugin types the bindings of all Workers as one; these are the ones of the hub's configuration.
export const hubEnv = env as unknown as HubEnv & { readonly SIGNING_KEY: string }
export const signingKey = JSON.parse(hubEnv.SIGNING_KEY) as JWK
const entrypoints = exports as unknown as { HubPublish: HubPublishApi; HubRead: HubReadApi & Fetcher }
const { HubPublish, HubRead } = entrypoints
export const hubPublish: HubPublishApi = {
  publish: (...args) => release(HubPublish.publish(...args)),
  head: (...args) => HubPublish.head(...args),
  storeBlob: (...args) => HubPublish.storeBlob(...args),
  receipts: (...args) => release(HubPublish.receipts(...args)),
}
export const hubRead: HubReadApi & Pick<Fetcher, 'fetch'> = {
  confirm: (...args) => release(HubRead.confirm(...args)),
  read: (...args) => release(HubRead.read(...args)),
  blob: (...args) => release(HubRead.blob(...args)),
  fetch: (...args) => HubRead.fetch(...args),
}

export const newEnvironment = () => makeId('env')

export async function publicationOf(
  environment: string,
  version: number,
  rest: Partial<Compiled> & { keys?: readonly AccessKey[] } = {},
): Promise<Publication> {
  const { keys = [], ...overrides } = rest
  const body = overrides.body ?? `flag\tbeta\t{"version":${version}}`
  const compiled: Compiled = {
    environment,
    epoch: 1,
    version,
    clientHash: await sha256Hex(`client ${body}`),
    compiler: 1,
    time: 1_700_000_000_000 + version,
    access: JSON.stringify({ environment, keys }),
    ...overrides,
    body,
  }
  return await signPublication(compiled, signingKey)
}

/** Publishes a version and gives what was published. */
export async function publish(...args: Parameters<typeof publicationOf>): Promise<Publication> {
  const publication = await publicationOf(...args)
  await hubPublish.publish(args[0], publication)
  return publication
}

export const stubOf = (environment: string) => hubEnv.ENVIRONMENTS.getByName(environment)

/** The tables that an object has made. */
export async function tablesOf(stub: DurableObjectStub<EnvironmentObject> | DurableObjectStub<RelayObject>) {
  return await runInDurableObject<DurableObject, unknown[]>(stub as DurableObjectStub, (_, { storage }) =>
    // whichever it is
    storage.sql
      .exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'")
      .toArray(),
  )
}
