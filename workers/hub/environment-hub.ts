import { DurableObject } from 'cloudflare:workers'
import type { Held, Publication } from '@halyard/shared/protocol/hub.ts'
import type { EnvironmentObject, HubEnv } from './env.ts'
import { makeHubCore, type HubCore } from './hub-core.ts'
import { inTime } from './in-time.ts'
import { objectPorts } from './object-ports.ts'
import { relayName, type RelayBeat } from './relay-wire.ts'
import { release } from './release.ts'

/** A write that hangs must not hold the alarm for long. */
const kvTimeoutMs = 10_000
/** A relay that takes longer is told again by the alarm. */
const pushTimeoutMs = 2000

/** The head of one environment. What it does is in `hub-core.ts`. */
export class EnvironmentHub extends DurableObject<HubEnv> implements EnvironmentObject {
  readonly #core: HubCore

  constructor(ctx: DurableObjectState, env: HubEnv) {
    super(ctx, env)
    this.#core = makeHubCore({
      ...objectPorts(ctx, env),
      isOwn: (environment) => env.ENVIRONMENTS.idFromName(environment).equals(ctx.id),
      kv: {
        put: async (name, value) => await inTime(this.env.SNAPSHOTS.put(name, value), kvTimeoutMs),
        delete: async (name) => await inTime(this.env.SNAPSHOTS.delete(name), kvTimeoutMs),
      },
      callRelay: async (environment, relay, update) => {
        const stub = this.env.RELAYS.getByName(relayName(environment, relay))
        return await inTime(release(stub.push(update)), pushTimeoutMs)
      },
      defer: (work) => ctx.waitUntil(work),
    })
  }

  publish(publication: Publication) {
    return this.#core.publish(publication)
  }

  storeBlob(hash: string, bytes: Uint8Array<ArrayBuffer>) {
    return this.#core.storeBlob(hash, bytes)
  }

  receipts(version: string) {
    return this.#core.receipts(version)
  }

  confirm() {
    return this.#core.confirm()
  }

  read(reader: Held) {
    return this.#core.read(reader)
  }

  blob(hash: string) {
    return this.#core.blob(hash)
  }

  beat(beat: RelayBeat) {
    return this.#core.beat(beat)
  }

  override alarm() {
    return this.#core.alarm()
  }
}
