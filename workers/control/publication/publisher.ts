import { DurableObject } from 'cloudflare:workers'
import { makeHeadVerifier, signHead } from '@halyard/shared/protocol/head.ts'
import type { Env, PublisherObject } from '../env.ts'
import type { EnvironmentScope } from '../ports.ts'
import { openDatabase } from '../store/database.ts'
import { compile } from './compile.ts'
import { hubInTime } from './hub-in-time.ts'
import { openPublicationStore } from './publication-store.ts'
import { publish, type PublishDeps } from './publish.ts'
import { makePublisher, type PublisherState } from './publisher-core.ts'
import { readPublisherKeys } from './publisher-keys.ts'
import { sampleHash } from './sample.ts'

/** One environment's publisher, on the storage and the alarm of an object. */
export class Publisher extends DurableObject<Env> implements PublisherObject {
  readonly #core = makePublisher({
    state: stateOf(this.ctx.storage),
    nowMs: Date.now,
    publish: (scope) => publish(this.#deps(), scope),
    report: (event) => console.error(JSON.stringify(event)),
  })

  async arm(scope: EnvironmentScope, change: string): Promise<void> {
    await this.#core.arm(scope, change)
  }

  async go(change: string): Promise<void> {
    await this.#core.go(change)
  }

  release(change: string): void {
    this.#core.release(change)
  }

  async sweep(scope: EnvironmentScope): Promise<void> {
    await this.#core.sweep(scope)
  }

  override async alarm(): Promise<void> {
    await this.#core.wake()
  }

  #deps(): PublishDeps {
    const { signing, trusted } = readPublisherKeys(this.env)
    const db = openDatabase({
      url: this.env.DATABASE_URL,
      gateway: this.env.NEON_GATEWAY,
      waitUntil: (work) => this.ctx.waitUntil(work),
    })
    return {
      store: openPublicationStore({ db, nowMs: Date.now }),
      hub: hubInTime(this.env.HUB),
      nowMs: Date.now,
      compile,
      sample: sampleHash,
      sign: (head) => signHead(head, signing),
      verify: makeHeadVerifier(trusted),
    }
  }
}

function stateOf(storage: DurableObjectStorage): PublisherState {
  const { kv } = storage
  return {
    get: (name) => kv.get(name),
    put: (name, value) => kv.put(name, value),
    delete: (name) => void kv.delete(name),
    list: (prefix) => Array.from(kv.list({ prefix })),
    getAlarm: () => storage.getAlarm(),
    setAlarm: (dueMs) => storage.setAlarm(dueMs),
    deleteAlarm: () => storage.deleteAlarm(),
    sync: () => storage.sync(),
  }
}
