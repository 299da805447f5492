import { DurableObject } from 'cloudflare:workers'
import type { JWK } from 'jose'
import { makeHeadVerifier, signHead } from '@halyard/shared/protocol/head.ts'
import type { Env, PublisherObject } from '../env.ts'
import type { EnvironmentScope } from '../ports.ts'
import { openDatabase } from '../store/database.ts'
import { publish, type PublishDeps } from './publish.ts'

const armDelayMs = 2_000
const pendingPrefix = 'pending:'
const retryMs = { first: 1_000, max: 60_000 }

/** A change that was armed but neither committed nor given up within this time died with its Worker. */
const pendingMaxMs = 60_000

/**
 * Drives publication of one environment. A change arms it before it commits, so that a crash between commit and
 * publication leaves an alarm behind; the alarm stays until the hub confirmed and no armed change is outstanding.
 * One publication runs at a time, and one asked for meanwhile follows it.
 */
export class Publisher extends DurableObject<Env> implements PublisherObject {
  #running: Promise<void> | null = null
  #again = false

  /** Durable when it resolves: from then on an alarm will publish, whatever happens to the caller. */
  async arm(scope: EnvironmentScope, change: string): Promise<void> {
    this.ctx.storage.kv.put('scope', scope)
    this.ctx.storage.kv.put(pendingPrefix + change, Date.now())
    const due = Date.now() + armDelayMs
    const alarm = await this.ctx.storage.getAlarm()
    if (alarm === null || alarm > due) await this.ctx.storage.setAlarm(due)
    await this.ctx.storage.sync()
  }

  /** The change is committed: publishes it at once. */
  async go(change: string): Promise<void> {
    this.ctx.storage.kv.delete(pendingPrefix + change)
    await this.#publishSoon()
  }

  /** The change was rolled back. */
  release(change: string): void {
    this.ctx.storage.kv.delete(pendingPrefix + change)
  }

  /** Publishes what an earlier caller left behind. */
  async sweep(scope: EnvironmentScope): Promise<void> {
    this.ctx.storage.kv.put('scope', scope)
    await this.#publishSoon()
  }

  override async alarm(): Promise<void> {
    await this.#publishSoon()
  }

  async #publishSoon(): Promise<void> {
    if (this.#running) {
      this.#again = true
      await this.#running
      return
    }
    this.#running = this.#publishUntilDone()
    try {
      await this.#running
    } finally {
      this.#running = null
    }
  }

  async #publishUntilDone(): Promise<void> {
    const scope = this.ctx.storage.kv.get<EnvironmentScope>('scope')
    if (!scope) return
    do {
      this.#again = false
      if ((await this.#tryPublish(scope)) === 'failed') return
      this.ctx.storage.kv.put('failures', 0)
      // An outstanding change may commit after our read: its alarm must stay.
      if (this.#hasPending()) await this.ctx.storage.setAlarm(Date.now() + armDelayMs)
      else await this.ctx.storage.deleteAlarm()
    } while (this.#again)
  }

  #hasPending(): boolean {
    const oldest = Date.now() - pendingMaxMs
    let found = false
    for (const [name, armedAt] of Array.from(this.ctx.storage.kv.list<number>({ prefix: pendingPrefix }))) {
      if (armedAt < oldest) this.ctx.storage.kv.delete(name)
      else found = true
    }
    return found
  }

  async #tryPublish(scope: EnvironmentScope): Promise<'done' | 'failed'> {
    try {
      const outcome = await publish(this.#deps(), scope)
      if (outcome.kind === 'went_back') {
        console.error(JSON.stringify({ event: 'epoch_required', ...scope }))
      }
      return 'done'
    } catch (error) {
      const failures = (this.ctx.storage.kv.get<number>('failures') ?? 0) + 1
      this.ctx.storage.kv.put('failures', failures)
      const delayMs = Math.min(retryMs.max, retryMs.first * 2 ** (failures - 1))
      await this.ctx.storage.setAlarm(Date.now() + delayMs)
      console.error(
        JSON.stringify({
          event: 'publish_failed',
          ...scope,
          failures,
          retryInMs: delayMs,
          error: String(error),
        }),
      )
      return 'failed'
    }
  }

  #deps(): PublishDeps {
    const privateJwk = JSON.parse(this.env.SIGNING_KEY) as JWK // from our own configuration; jose checks it
    const { d: _, ...publicJwk } = privateJwk
    return {
      db: openDatabase({
        url: this.env.DATABASE_URL,
        gateway: this.env.NEON_GATEWAY,
        waitUntil: (work) => this.ctx.waitUntil(work),
      }),
      hub: this.env.HUB,
      nowMs: Date.now,
      sign: (head) => signHead(head, privateJwk),
      verify: makeHeadVerifier([publicJwk]),
    }
  }
}
