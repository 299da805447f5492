/** What the steps of OpenFeature's suites do and ask for, in the order of the suites. */
import assert from 'node:assert/strict'
import type { EvaluationContext } from '@openfeature/core'
import type { EventName, Level, State } from '../openfeature-kit.ts'
import { until } from '../stack-kit.ts'
import { evaluationSteps, resultSteps } from './gherkin-evaluation.ts'
import {
  detailsOf,
  domainOf,
  enter,
  NotApplicable,
  notingHook,
  readValue,
  type ScenarioWorld,
  type StepRun,
  type StepTable,
} from './gherkin-world.ts'

/** Does the one thing that a step's text says. */
export async function runStep(
  world: ScenarioWorld,
  { text, table }: { readonly text: string; readonly table: StepTable },
): Promise<void> {
  for (const [pattern, run] of steps) {
    const found = pattern.exec(text)
    // oxlint-disable-next-line no-await-in-loop -- it is the only one
    if (found)
      return await run(
        world,
        found.slice(1).map((part) => part ?? ''),
        table,
      )
  }
  throw new Error(`there is no step for: ${text}`)
}

const providerSteps: readonly (readonly [RegExp, StepRun])[] = [
  [
    /^an? (stable|not ready|error|fatal|stale) provider$/,
    (world, [state = '']) => enter(world, state as State),
  ], // as matched
  [
    /^a (?:stable )?provider (?:with retrievable context )?is registered(?: with cache disabled)?$/,
    (world) => enter(world, 'stable'),
  ],
  [
    /^the provider status should be "(.*)"$/,
    (world, [status]) => assert.equal(domainOf(world).status(), status),
  ],
]

const contextSteps: readonly (readonly [RegExp, StepRun])[] = [
  [
    /^context contains keys (.*) with values (.*)$/,
    (world, [keys, values]) => {
      const names: string[] = JSON.parse(`[${keys}]`)
      const given: (string | number)[] = JSON.parse(`[${values}]`)
      const read = given.map((value) => (value === 'true' || value === 'false' ? value === 'true' : value))
      world.context = Object.fromEntries(names.map((name, index) => [name, read[index] ?? null]))
    },
  ],
  [
    /^a context containing a key "(.*)", with type "(.*)" and with value "(.*)"$/,
    (world, [key = '', type = '', text = '']) => {
      world.context = { ...world.context, [key]: readValue(type, text) }
    },
  ],
  [
    /^a context containing a key "(.*)" with null value$/,
    (world, [key = '']) => {
      world.context = { ...world.context, [key]: null }
    },
  ],
  [
    /^A context entry with key "(.*)" and value "(.*?)"(?: of type "(.*)")? is added to the "(.*)" level$/,
    (world, [key = '', text = '', type = '', level = '']) =>
      setLevel(world, level, { [fieldOf(key)]: readValue(type, text) as string }), // or another scalar, which fits as well,
  ],
  [
    /^A table with levels of increasing precedence$/,
    (world, _, table) => {
      world.order = table.map(([level = '']) => level)
    },
  ],
  [
    /^Context entries for each level from API level down to the "(.*)" level,? with key "(.*)" and value "(.*?)"(?: of type "string")?$/,
    async (world, [last = '', key = '']) => {
      for (const level of world.order.slice(0, world.order.indexOf(last) + 1))
        await setLevel(world, level, { [key]: level }) // oxlint-disable-line no-await-in-loop -- in this order
    },
  ],
  [
    /^The merged context contains an entry with key "(.*)" and value "(.*?)"(?: of type "(.*)")?$/,
    (world, [key = '', text = '', type = '']) =>
      assert.equal(domainOf(world).seen.at(-1)?.[fieldOf(key)], readValue(type, text)),
  ],
  [
    /^the evaluation context should allow missing "targeting_key" field$/,
    (world) => {
      assert.equal(detailsOf(world).errorCode, undefined)
      assert.equal(domainOf(world).seen.at(-1)?.targetingKey, undefined)
    },
  ],
  [
    /^an evaluation context with modifiable data$/,
    (world) => {
      world.context = { list: ['a', { deep: true }], date: new Date(0), nested: { text: 'b' } }
    },
  ],
  [
    /^the original evaluation context should remain unmodified$/,
    (world) =>
      assert.deepEqual(world.context, {
        list: ['a', { deep: true }],
        date: new Date(0),
        nested: { text: 'b' },
      }),
  ],
  [
    /^the evaluation details should be immutable$/,
    (world) =>
      assert.ok(Object.isFrozen(detailsOf(world).flagMetadata), 'what an SDK freezes of its details'),
  ],
]

const hookSteps: readonly (readonly [RegExp, StepRun])[] = [
  [/^a client with added hook$/, (world) => domainOf(world).addHooks(notingHook(world))],
  [
    /^evaluation options containing specific hooks$/,
    (world) => {
      world.hooks = [notingHook(world, 'first '), notingHook(world, 'second ')]
    },
  ],
  [/^the specified hooks should execute during evaluation$/, (world) => assert.equal(world.ran.length, 6)],
  [
    /^the hook order should be maintained$/,
    (world) =>
      assert.deepEqual(
        world.ran.map(({ name }) => name),
        ['first before', 'second before', 'second after', 'first after', 'second finally', 'first finally'],
      ),
  ],
  [
    /^the "(.*)" hook should have been executed$/,
    (world, [name]) =>
      assert.ok(
        world.ran.some((ran) => ran.name === name),
        `${name} did not run`,
      ),
  ],
  [
    /^the "(.*)" hooks should be called with evaluation details$/,
    (world, [names = ''], table) => {
      for (const name of names.split(', ')) {
        const details = world.ran.find((ran) => ran.name === name)?.details
        for (const [type = '', key = '', text = ''] of table.slice(1))
          assertDetail(details, { type, key, text })
      }
    },
  ],
]

const eventSteps: readonly (readonly [RegExp, StepRun])[] = [
  [/^a provider which supports events and requires initialization$/, () => {}],
  [
    /^a (PROVIDER_\w+) handler is attached$/,
    (world, [event = '']) => void world.events.set(event as EventName, []),
  ], // as matched
  [/^the provider is set and successully initialized$/, (world) => enter(world, 'stable')],
  [/^the provider is set and fails to initialize$/, (world) => enter(world, 'error')],
  [
    /^a flag with key "changing-flag" is modified$/,
    async (world) => {
      await enter(world, 'stable')
      await world.change()
    },
  ],
  [
    /^the (PROVIDER_\w+) handler must run$/,
    async (world, [event = '']) => {
      const heard = world.events.get(event as EventName) ?? []
      await until(
        async () => heard.length,
        (count) => count > 0,
      )
    },
  ],
  [
    /^the event details must indicate "(.*)" was altered$/,
    (world, [key = '']) => {
      const heard = [...world.events.values()].flat()
      assert.ok(heard.some((event) => event?.flagsChanged?.includes(key)))
    },
  ],
]

const trackingSteps: readonly (readonly [RegExp, StepRun])[] = [
  [
    /^an event was tracked with tracking event name "(.*)"$/,
    (world, [name = '']) => domainOf(world).track(name),
  ],
  [
    /^nothing should have been tracked$/,
    () => {
      throw new NotApplicable(
        'the SDKs of JavaScript take any name and tell of no error; the client drops it',
      )
    },
  ],
  [
    /^the tracking provider should have been called with event name "(.*)"$/,
    (world, [name]) => assert.deepEqual(domainOf(world).tracked, [{ name, value: undefined }]),
  ],
]

const steps = [
  ...providerSteps,
  ...evaluationSteps,
  ...resultSteps,
  ...contextSteps,
  ...hookSteps,
  ...eventSteps,
  ...trackingSteps,
]

async function setLevel(world: ScenarioWorld, level: string, context: EvaluationContext): Promise<void> {
  if (!world.side.levels.some((each) => each === level))
    throw new NotApplicable(`the context of the ${world.side.kind} SDK has no level ${level}`)
  await domainOf(world).setContext(level as Level, context) // as just found
}

/** The suites write the names of all languages alike. */
function fieldOf(key: string): string {
  return key === 'targeting_key' ? 'targetingKey' : key
}

function assertDetail(
  details: object | undefined,
  { type, key, text }: { readonly type: string; readonly key: string; readonly text: string },
): void {
  const name = key.replace(/_./, (part) => part.slice(1).toUpperCase())
  const wanted = text === 'null' || text === 'None' ? undefined : readValue(type, text)
  assert.deepEqual(details && (details as Readonly<Record<string, unknown>>)[name], wanted, key) // its own member
}
