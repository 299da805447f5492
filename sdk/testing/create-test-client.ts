import { checkLogger } from '../client/check-options.ts'
import type { Logger } from '../client/flag-client.ts'
import type { AnyFlags } from '../client/flag-types.ts'
import type { EvaluationContext, Json } from '../client/flags.ts'
import { makeHeldFlags, type LocalClient } from '../local/held-client.ts'
import type { FlagFileInput } from '../local/read-object.ts'
import { compileFlags, putSimpleFlag, type CompiledFlags } from './compiled-flags.ts'
import { recordFlags, type Evaluation } from './record-flags.ts'
import { valueFlag, withOverride, type FlagDefinition } from './value-flag.ts'

/** The value that a flag of a client may be given: any, if its type is not known. */
export type ValueOf<F extends object, K extends keyof F> = [F[K]] extends [never] ? Json : F[K]

export type FlagValues<F extends object> = { readonly [K in keyof F]?: ValueOf<F, K> }

export interface TestOptions {
  /** Flags with rules, segments and layers, as a file of flags has them. */
  readonly definitions?: FlagFileInput
  /** Epoch milliseconds; the clock if left out. Ramps, expiries and `$now` go by it. */
  readonly now?: () => number
  /** Hears of listeners that throw. */
  readonly logger?: Logger
}

export interface Tracked {
  readonly name: string
  readonly context: EvaluationContext
  readonly value?: number
}

/** A client in memory, whose flags a test sets and whose calls it sees. Everything takes effect at once. */
export interface TestClient<F extends object = AnyFlags> extends LocalClient<F> {
  /** Everybody gets this value; a flag of that key is replaced. */
  set<K extends keyof F & string>(key: K, value: ValueOf<F, K>): void
  /**
   * The context of this targeting key gets this value, of a flag that is off too; everybody else what they had. The flag must
   * be there; its expiry and its prerequisites come first.
   */
  setFor<K extends keyof F & string>(targetingKey: string, key: K, value: ValueOf<F, K>): void
  /** A flag with variants, rules or splits, as a file of flags has it. */
  define(key: keyof F & string, definition: FlagDefinition): void
  /** Takes a flag away: callers get their default. */
  unset(key: keyof F & string): void
  /** The flags as the client was made with, and nothing recorded. */
  reset(): void
  /** What was asked for since the start or `clear`, the newest last; at most 10,000. */
  readonly evaluations: readonly Evaluation[]
  /** What was tracked, likewise. */
  readonly tracked: readonly Tracked[]
  /** Forgets what was recorded. */
  clear(): void
  /** Throws if this flag was not asked for. */
  assertEvaluated(key: keyof F & string): void
}

const recordedMax = 10_000

/**
 * Makes a client for tests: `createTestClient({ 'new-checkout': true })`. Synchronous; no server, file or timer. Throws a
 * TypeError that names everything that is wrong with the flags, here and when they are set.
 */
export function createTestClient<F extends object = AnyFlags>(
  values: FlagValues<NoInfer<F>> = {},
  { definitions, now = Date.now, logger }: TestOptions = {},
): TestClient<F> {
  const first = compileFlags({
    ...definitions,
    flags: { ...definitions?.flags, ...flagsOf(values) },
  })
  let compiled = first
  const held = makeHeldFlags<F>({
    body: first.body,
    origin: 'memory',
    now,
    logger: checkLogger('createTestClient', logger),
  })
  const put = (next: CompiledFlags) => {
    compiled = next
    held.put(next.body)
  }
  const define = (key: string, flag: FlagDefinition) => {
    const { content } = compiled
    put(compileFlags({ ...content, flags: { ...content.flags, [key]: flag } }))
  }
  const evaluations: Evaluation[] = []
  const tracked: Tracked[] = []
  const clear = () => {
    evaluations.length = 0
    tracked.length = 0
  }
  const record = (evaluation: Evaluation) => append(evaluations, evaluation)
  const { client } = held
  return {
    ...client,
    ...recordFlags<F>(client, {}, record),
    snapshot: (context) => recordFlags<F>(client.snapshot(context), context ?? {}, record),
    track: (name, context = {}, details = {}) => append(tracked, { name, context, ...details }),
    set: (key, value) => put(putSimpleFlag(compiled, key, valueFlag(value as Json))), // a flag gives nothing but JSON
    setFor: (targetingKey, key, value) =>
      define(key, withOverride(existing(compiled.content, key), targetingKey, value as Json)), // as above
    define,
    unset: (key) => {
      const { content } = compiled
      const { [key]: _gone, ...flags } = content.flags
      put(compileFlags({ ...content, flags }))
    },
    reset: () => {
      clear()
      put(first)
    },
    evaluations,
    tracked,
    clear,
    assertEvaluated: (key) => assertOneOf(evaluations, key),
  }
}

function flagsOf(values: object): Record<string, FlagDefinition> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, valueFlag(value)]))
}

function existing({ flags }: FlagFileInput, key: string): FlagDefinition {
  const flag = Object.hasOwn(flags, key) ? flags[key] : undefined
  if (flag === undefined)
    throw new TypeError(`setFor: there is no flag "${key}"; set or define it for everybody first`)
  return flag
}

function append<T>(list: T[], item: T): void {
  if (list.length >= recordedMax) list.shift()
  list.push(item)
}

function assertOneOf(evaluations: readonly Evaluation[], key: string): void {
  const keys = new Set(evaluations.map((evaluation) => evaluation.key))
  if (!keys.has(key))
    throw new Error(`the flag "${key}" was not evaluated; evaluated: ${[...keys].join(', ') || 'none'}`)
}
