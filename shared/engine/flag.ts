import type { Answer } from './answer.ts'
import { readAttribute, type Attribute, type Run } from './attribute.ts'
import type { CompiledCondition } from './condition.ts'
import { pass, type Gate } from './gate.ts'
import type { Json } from './model.ts'
import { serve, type CompiledServe } from './serve.ts'
import type { Fault, FlagEntry, Reach, World } from './world.ts'

/** `fixed`: the same answer for every context, because of its line, its switch, or having nothing to target. */
export type CompiledFlag = FixedFlag | TargetedFlag

interface Compiled {
  readonly clientVisible: boolean
  readonly reach: Reach
  /** How many references lie one below the other from here. */
  height: number
}

export interface FixedFlag extends Compiled {
  readonly kind: 'fixed'
  readonly because: 'unreadable' | 'disabled' | 'untargeted'
  readonly answer: Answer
}

export interface TargetedFlag extends Compiled {
  readonly kind: 'targeted'
  /** What can end the flag before its targets; most have neither. */
  readonly guard: Guard | null
  readonly overrides: readonly CompiledOverride[]
  readonly rules: readonly CompiledRule[]
  readonly fallthrough: CompiledServe
  /** The error answer of a fault met on the way. */
  readonly faultAnswer: (fault: Fault) => Answer
}

export interface Guard {
  /** From `at`, in epoch milliseconds, on. */
  readonly expiry: { readonly at: number; readonly answer: Answer } | null
  readonly prerequisites: readonly CompiledPrerequisite[]
}

export interface CompiledPrerequisite {
  readonly key: string
  readonly variants: ReadonlySet<string>
  readonly entry: FlagEntry | undefined
  /** What is answered if it is not met. */
  readonly unmet: Answer
}

export interface CompiledOverride {
  readonly attribute: Attribute
  readonly values: ReadonlySet<Json | undefined>
  readonly answer: Answer
  /** Epoch milliseconds; Infinity if it has no end. */
  readonly until: number
}

export interface CompiledRule {
  readonly id: string
  readonly when: CompiledCondition
  /** Of the contexts that match, those that pass all of these are served; the others go on. */
  readonly gates: readonly Gate[]
  readonly serve: CompiledServe
}

/** The answer of a flag in a run. Here and below loops count, because V8 inlines them sooner than `for of`. */
export function decide(flag: CompiledFlag, run: Run, world: World): Answer {
  if (flag.kind === 'fixed') return flag.answer
  const { guard, overrides, rules } = flag
  if (guard !== null) {
    const end = decideGuard(guard, run, world)
    if (end !== null) return end
  }
  for (let i = 0; i < overrides.length; i++) {
    const override = overrides[i]
    if (override?.values.has(readAttribute(override.attribute, run)) && run.now < override.until) {
      return override.answer
    }
  }
  for (let i = 0; i < rules.length; i++) {
    const rule = rules[i]
    if (rule === undefined) continue
    if (rule.when.test(run)) {
      const answer = rule.gates.length === 0 ? serve(rule.serve, run) : serveGated(rule, run)
      if (answer !== null) return answer
    } else if (rule.when.canFail && run.fault !== null) return takeFault(flag, run)
  }
  return serveFallthrough(flag.fallthrough, run)
}

/** The answer of a rule that matched, or null if it does not take the context. */
export function serveGated(rule: CompiledRule, run: Run): Answer | null {
  for (const gate of rule.gates) {
    const passed = pass(gate, run)
    if (passed !== true) return passed === false ? null : passed
  }
  return serve(rule.serve, run)
}

export function serveFallthrough(fallthrough: CompiledServe, run: Run): Answer {
  if (fallthrough.kind !== 'split' || fallthrough.slot === null || fallthrough.outside === null) {
    return serve(fallthrough, run)
  }
  const passed = pass(fallthrough.slot, run)
  if (passed === true) return serve(fallthrough, run)
  return passed === false ? fallthrough.outside : passed
}

/** The answer of the fault that the run has met, which ends with it. */
export function takeFault({ faultAnswer }: TargetedFlag, run: Run): Answer {
  const { fault } = run
  if (fault === null) throw new Error('a fault is taken only where one is') // never: the callers check
  run.fault = null
  return faultAnswer(fault)
}

/** Whether a prerequisite is met: never by a flag that is missing, errs, or is off. */
export function isMet(prerequisite: CompiledPrerequisite, run: Run, world: World): boolean {
  if (!prerequisite.entry) return false
  const { given } = world.decideFlag(prerequisite.entry, run)
  return given !== null && prerequisite.variants.has(given)
}

function decideGuard({ expiry, prerequisites }: Guard, run: Run, world: World): Answer | null {
  if (expiry !== null && run.now >= expiry.at) return expiry.answer
  for (const prerequisite of prerequisites) if (!isMet(prerequisite, run, world)) return prerequisite.unmet
  return null
}
