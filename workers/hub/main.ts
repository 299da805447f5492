import { WorkerEntrypoint } from 'cloudflare:workers'
import type {
  Confirmation,
  Held,
  HubPublishApi,
  HubReadApi,
  Publication,
  PublishAnswer,
  ReadAnswer,
  Receipt,
} from '@halyard/shared/protocol/hub.ts'
import type { HubEnv } from './env.ts'
import { release } from './release.ts'
import { routeStream, type ShardsCache } from './stream-route.ts'

export { EnvironmentHub } from './environment-hub.ts'
export { StreamRelay } from './stream-relay.ts'

const shardsCache: ShardsCache = new Map()

/** For control. */
export class HubPublish extends WorkerEntrypoint<HubEnv> implements HubPublishApi {
  async publish(environment: string, publication: Publication): Promise<PublishAnswer> {
    return await release(this.env.ENVIRONMENTS.getByName(environment).publish(publication))
  }

  async head(environment: string): Promise<string | null> {
    const confirmation = await release(this.env.ENVIRONMENTS.getByName(environment).confirm())
    return confirmation && confirmation.signedHead
  }

  async storeBlob(
    environment: string,
    hash: string,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<'stored' | 'refused'> {
    return await this.env.ENVIRONMENTS.getByName(environment).storeBlob(hash, bytes)
  }

  async receipts(environment: string, version: string): Promise<readonly Receipt[] | null> {
    return await release(this.env.ENVIRONMENTS.getByName(environment).receipts(version))
  }
}

/** For the edge. */
export class HubRead extends WorkerEntrypoint<HubEnv> implements HubReadApi {
  async confirm(environment: string): Promise<Confirmation | null> {
    return await release(this.env.ENVIRONMENTS.getByName(environment).confirm())
  }

  async read(environment: string, held: Held): Promise<ReadAnswer | null> {
    const answer = await release(this.env.ENVIRONMENTS.getByName(environment).read(held))
    return answer as ReadAnswer | null // the types of RPC forget what a tuple is
  }

  async blob(environment: string, hash: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return await release(this.env.ENVIRONMENTS.getByName(environment).blob(hash))
  }

  override async fetch(request: Request): Promise<Response> {
    return await routeStream(this.env, request, shardsCache)
  }
}

/** The hub is reached by its entrypoints only. */
export default {
  fetch: () => new Response('not found', { status: 404 }),
}
