import { WorkerEntrypoint } from 'cloudflare:workers'
import type {
  Confirmation,
  Held,
  HubPublishApi,
  HubReadApi,
  Publication,
  PublishAnswer,
  ReadAnswer,
} from '@halyard/shared/protocol/hub.ts'
import type { HubEnv } from './env.ts'

export { EnvironmentHub } from './environment-hub.ts'

/** For control. */
export class HubPublish extends WorkerEntrypoint<HubEnv> implements HubPublishApi {
  async publish(environment: string, publication: Publication): Promise<PublishAnswer> {
    return await this.env.ENVIRONMENTS.getByName(environment).publish(publication)
  }

  async head(environment: string): Promise<string | null> {
    const confirmation = await this.env.ENVIRONMENTS.getByName(environment).confirm()
    return confirmation && confirmation.signedHead
  }

  async storeBlob(
    environment: string,
    hash: string,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<'stored' | 'refused'> {
    return await this.env.ENVIRONMENTS.getByName(environment).storeBlob(hash, bytes)
  }
}

/** For the edge. */
export class HubRead extends WorkerEntrypoint<HubEnv> implements HubReadApi {
  async confirm(environment: string): Promise<Confirmation | null> {
    return await this.env.ENVIRONMENTS.getByName(environment).confirm()
  }

  async read(environment: string, held: Held): Promise<ReadAnswer | null> {
    return await this.env.ENVIRONMENTS.getByName(environment).read(held)
  }

  async blob(environment: string, hash: string): Promise<Uint8Array<ArrayBuffer> | null> {
    return await this.env.ENVIRONMENTS.getByName(environment).blob(hash)
  }

  override async fetch(request: Request): Promise<Response> {
    const environment = new URL(request.url).searchParams.get('environment')
    if (!environment) return new Response('environment is missing', { status: 400 })
    return await this.env.ENVIRONMENTS.getByName(environment).fetch(request)
  }
}

/** The hub is reached by its entrypoints only. */
export default {
  fetch: () => new Response('not found', { status: 404 }),
}
