import type { EvaluationContext, EvaluationDetails, FlagValue, JsonValue } from '@openfeature/core'
import type { AnyEvent, AnyHook, Domain, EventName, Side, State } from '../openfeature-kit.ts'

/** What a scenario has come to so far. */
export interface ScenarioWorld {
  readonly side: Side
  /** Changes the flag that the suites call the changing one. */
  readonly change: () => Promise<void>
  domain: Domain | null
  flag: { readonly type: string; readonly key: string; readonly defaultValue: Value }
  context: EvaluationContext
  details: EvaluationDetails<FlagValue> | null
  /** The hooks of a single evaluation. */
  hooks: AnyHook[]
  /** Which hooks ran, in order, and with which details. */
  readonly ran: { readonly name: string; readonly details?: EvaluationDetails<FlagValue> }[]
  /** Handlers to attach to the next provider, and what they heard. */
  readonly events: Map<EventName, (AnyEvent | undefined)[]>
  /** The levels of a context, the first of the least weight. */
  order: readonly string[]
}

export type StepTable = readonly (readonly string[])[]

/** What a step does, with the texts that its pattern found. */
export type StepRun = (
  world: ScenarioWorld,
  texts: readonly string[],
  table: StepTable,
) => void | Promise<void>

export type Value = boolean | number | string | JsonValue

/** A scenario asks for what this product, or JavaScript, has not: its message names that. */
export class NotApplicable extends Error {}

export function makeScenarioWorld(side: Side, change: () => Promise<void>): ScenarioWorld {
  return {
    side,
    change,
    domain: null,
    flag: { type: 'boolean', key: 'boolean-flag', defaultValue: false },
    context: {},
    details: null,
    hooks: [],
    ran: [],
    events: new Map(),
    order: [],
  }
}

/** Gives the scenario a provider, with the handlers that were asked for attached before it. */
export async function enter(world: ScenarioWorld, state: State): Promise<void> {
  world.domain = await world.side.enter(state, (domain) => {
    for (const [event, heard] of world.events) domain.addHandler(event, (details) => heard.push(details))
  })
}

export function domainOf(world: ScenarioWorld): Domain {
  if (world.domain === null) throw new Error('no provider is set')
  return world.domain
}

export function detailsOf(world: ScenarioWorld): EvaluationDetails<FlagValue> {
  if (world.details === null) throw new Error('no flag was evaluated')
  return world.details
}

/** Evaluates the flag of the scenario, for its context: that of the call, or in the web SDK the one for all. */
export async function evaluate(world: ScenarioWorld): Promise<void> {
  const domain = domainOf(world)
  if (Object.keys(world.context).length > 0) {
    await domain.setContext(world.side.kind === 'server' ? 'Invocation' : 'API', world.context)
  }
  const { key, defaultValue } = world.flag
  world.details = await domain.evaluate(
    key,
    defaultValue,
    world.hooks.length > 0 ? { hooks: world.hooks } : {},
  )
}

/** A hook that notes what it is called for. */
export function notingHook(world: ScenarioWorld, name = ''): AnyHook {
  return {
    before: () => void world.ran.push({ name: `${name}before` }),
    after: (_, details) => void world.ran.push({ name: `${name}after`, details }),
    error: () => void world.ran.push({ name: `${name}error` }),
    finally: (_, details) => void world.ran.push({ name: `${name}finally`, details }),
  }
}

/** A value as a feature writes it. */
export function readValue(type: string, text: string): Value {
  switch (type.toLowerCase()) {
    case 'boolean':
      return text === 'true'
    case 'integer':
    case 'float':
    case 'double':
      return Number(text)
    case 'object':
      return JSON.parse(text.replaceAll('\\"', '"'))
    default:
      return text
  }
}
