/** For tests: flags of flagd, read one by one. */
import type { Json } from '@halyard/shared/engine/model.ts'
import { makeFlagdImporter } from './flagd.ts'
import type { PlannedFlag } from './importer.ts'

type Options = Parameters<typeof makeFlagdImporter>[0]

export const strict = { isTyped: false, mayRebucket: false }
export const typed = { isTyped: true, mayRebucket: false }

export const base = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off' }

export function read(flags: Json, options: Options = strict, more: object = {}): readonly PlannedFlag[] {
  return makeFlagdImporter(options).read(JSON.parse(JSON.stringify({ flags, ...more })))
}

export function readOne(flag: object, options: Options = strict, more: object = {}): PlannedFlag {
  const [planned] = read({ flag: { ...base, ...flag } as unknown as Json }, options, more)
  if (!planned) throw new Error('one flag in, one flag out')
  return planned
}

export function whenOf(condition: Json, options: Options = strict): unknown {
  const planned = readOne({ targeting: { if: [condition, 'on'] } }, options)
  return planned.kind === 'ready' ? planned.state.rules?.[0]?.when : planned.reasons
}

/** An attribute of that text, in JsonLogic and as a condition. */
export const isA = (value: string): Json => ({ '===': [{ var: 'a' }, value] })
export const when = (value: string) => ({ attribute: 'a', op: 'eq', value })
