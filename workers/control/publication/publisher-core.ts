import type { EnvironmentScope } from '../ports.ts'
import type { PublishOutcome } from './publish.ts'

/**
 * What one publisher keeps, and its only alarm: the storage of a Durable Object, or a simulator's. What is put is
 * durable once `sync` resolves; before that a crash may lose it, in order, with the alarm.
 */
export interface PublisherState {
  get(name: string): unknown
  put(name: string, value: unknown): void
  delete(name: string): void
  /** The names that start with this, and their values. */
  list(prefix: string): readonly (readonly [name: string, value: unknown])[]
  /** When the alarm is due, epoch milliseconds; null: it is not set, or is going off just now. */
  getAlarm(): Promise<number | null>
  setAlarm(dueMs: number): Promise<void>
  deleteAlarm(): Promise<void>
  sync(): Promise<void>
}

/** Everything that a publisher touches. */
export interface PublisherPorts {
  readonly state: PublisherState
  readonly nowMs: () => number
  /** One try (`publish.ts`); rejects if something could not be reached. */
  readonly publish: (scope: EnvironmentScope) => Promise<PublishOutcome>
  readonly report: (event: PublisherEvent) => void
}

export type PublisherEvent =
  | ({ readonly event: 'epoch_required' } & EnvironmentScope)
  | ({
      readonly event: 'publish_failed'
      readonly failures: number
      readonly retryInMs: number
      readonly error: string
    } & EnvironmentScope)

/**
 * Drives publication of one environment. A change arms it before it commits, so that a crash between commit and
 * publication leaves an alarm behind; the alarm stays until the hub confirmed and no armed change is outstanding.
 */
export interface PublisherCore {
  /** Durable when it resolves: from then on an alarm will publish, whatever happens to the caller. */
  arm(scope: EnvironmentScope, change: string): Promise<void>
  /** The change is committed: publishes it at once. */
  go(change: string): Promise<void>
  /** The change was rolled back. */
  release(change: string): void
  /** Publishes what an earlier caller left behind. */
  sweep(scope: EnvironmentScope): Promise<void>
  /** The alarm went off. */
  wake(): Promise<void>
}

const armDelayMs = 2_000
const pendingPrefix = 'pending:'
const retryMs = { first: 1_000, max: 60_000 }

/** A change that was armed but neither committed nor given up within this time died with its Worker. */
const pendingMaxMs = 60_000

/** A publisher over its ports. One publication runs at a time, and one asked for meanwhile follows it. */
export function makePublisher(ports: PublisherPorts): PublisherCore {
  const { state, nowMs } = ports
  const publishSoon = makeSingle(() => publishOnce(ports))
  return {
    async arm(scope, change) {
      state.put('scope', scope)
      state.put(pendingPrefix + change, nowMs())
      const due = nowMs() + armDelayMs
      const alarm = await state.getAlarm()
      if (alarm === null || alarm > due) await state.setAlarm(due)
      await state.sync()
    },
    async go(change) {
      state.delete(pendingPrefix + change)
      await publishSoon()
    },
    release(change) {
      state.delete(pendingPrefix + change)
    },
    async sweep(scope) {
      state.put('scope', scope)
      await publishSoon()
    },
    wake: publishSoon,
  }
}

/** Never two at once: who asks while one runs waits for it, and for one more that begins after it. */
function makeSingle(work: () => Promise<'done' | 'failed'>): () => Promise<void> {
  let running: Promise<void> | null = null
  let again = false
  const untilDone = async () => {
    do {
      again = false
      if ((await work()) === 'failed') return // the alarm tries again
    } while (again)
  }
  return async () => {
    if (running) {
      again = true
      await running
      return
    }
    running = untilDone()
    try {
      await running
    } finally {
      running = null
    }
  }
}

async function publishOnce(ports: PublisherPorts): Promise<'done' | 'failed'> {
  const { state, nowMs, report } = ports
  const scope = state.get('scope') as EnvironmentScope | undefined // only ever put by arm and sweep
  if (!scope) return 'done'
  try {
    const outcome = await ports.publish(scope)
    if (outcome.kind === 'went_back') report({ event: 'epoch_required', ...scope })
  } catch (error) {
    await retryLater(ports, scope, error)
    return 'failed'
  }
  state.put('failures', 0)
  // An outstanding change may commit after our read: its alarm must stay. What is frozen waits for its switch.
  if (hasPending(ports)) await state.setAlarm(nowMs() + armDelayMs)
  else await state.deleteAlarm()
  return 'done'
}

async function retryLater(
  { state, nowMs, report }: PublisherPorts,
  scope: EnvironmentScope,
  error: unknown,
): Promise<void> {
  const failures = Number(state.get('failures') ?? 0) + 1
  state.put('failures', failures)
  const retryInMs = Math.min(retryMs.max, retryMs.first * 2 ** (failures - 1))
  await state.setAlarm(nowMs() + retryInMs)
  report({ event: 'publish_failed', ...scope, failures, retryInMs, error: String(error) })
}

function hasPending({ state, nowMs }: PublisherPorts): boolean {
  const oldest = nowMs() - pendingMaxMs
  let found = false
  for (const [name, armedAt] of state.list(pendingPrefix)) {
    if (Number(armedAt) < oldest) state.delete(name)
    else found = true
  }
  return found
}
