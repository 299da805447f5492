/** The steps of OpenFeature's suites that evaluate a flag, and those that look at what came out. */
import assert from 'node:assert/strict'
import { detailsOf, enter, evaluate, NotApplicable, readValue, type StepRun } from './gherkin-world.ts'

export const evaluationSteps: readonly (readonly [RegExp, StepRun])[] = [
  [
    /^an? (\w+)-flag with key "(.*)" and a (?:default|fallback) value "(.*)"$/,
    (world, [type = '', key = '', text = '']) => {
      world.flag = { type, key, defaultValue: readValue(type, text) }
    },
  ],
  [
    /^an? (?:non-existent )?(\w+) flag with key "(.*)" is evaluated with (?:details and )?(?:a )?(null )?default value ?"?(.*?)"?$/,
    async (world, [type = '', key = '', isNull, text = '']) => {
      world.flag = { type, key, defaultValue: isNull ? null : readValue(type, text) }
      await evaluate(world)
    },
  ],
  [
    /^a string flag with key "(.*)" is evaluated as an integer, with details and a default value (\d+)$/,
    async (world, [key = '', number]) => {
      world.flag = { type: 'integer', key, defaultValue: Number(number) }
      await evaluate(world)
    },
  ],
  [
    /^a flag with key "(.*)" is evaluated with default value "(.*)"$/,
    async (world, [key = '', defaultValue = '']) => {
      world.flag = { type: 'string', key, defaultValue }
      await evaluate(world)
    },
  ],
  [/^the flag was evaluated with details(?: using the evaluation options)?$/, evaluate],
  [/^Some flag was evaluated$/, evaluate],
  [
    /^the flag was evaluated with details asynchronously$/,
    async (world) => {
      if (world.side.kind === 'web') throw new NotApplicable('the web SDK answers at once')
      const evaluated = evaluate(world)
      assert.equal(world.details, null, 'the call came back before the answer')
      await evaluated
    },
  ],
  [/^the evaluation should complete without blocking$/, (world) => assert.ok(detailsOf(world))],
]

export const resultSteps: readonly (readonly [RegExp, StepRun])[] = [
  [
    /^the resolved details value should be "(.*)"$/,
    (world, [text = '']) => {
      if (world.flag.key === 'object-disabled-flag')
        throw new NotApplicable('a disabled flag gives its off variant, and none of this flag has that value')
      assert.deepEqual(detailsOf(world).value, readValue(world.flag.type, text))
    },
  ],
  [
    /^the resolved (boolean|string|integer|float) (?:details )?value should be "?([^",]*)"?(?:, the variant should be "(.*)", and the reason should be "(.*)")?$/,
    (world, [type = '', text = '', variant, reason]) => {
      const details = detailsOf(world)
      assert.deepEqual(details.value, readValue(type, text))
      if (variant) assert.deepEqual([details.variant, details.reason], [variant, reason])
    },
  ],
  [
    /^the resolved object (?:details )?value should be contain fields "(.*)", "(.*)", and "(.*)", with values "(.*)", "(.*)" and (\d+), respectively$/,
    (world, [first = '', second = '', third = '', boolean, text, number]) =>
      assert.deepEqual(detailsOf(world).value, {
        [first]: boolean === 'true',
        [second]: text,
        [third]: Number(number),
      }),
  ],
  [
    /^the variant should be "(.*)", and the reason should be "(.*)"$/,
    (world, [variant, reason]) => {
      const details = detailsOf(world)
      assert.deepEqual([details.variant, details.reason], [variant, reason])
    },
  ],
  [
    /^the resolved string response should be "(.*)"$/,
    (world, [text]) => assert.equal(detailsOf(world).value, text),
  ],
  [
    /^the resolved flag value is "(.*)" when the context is empty$/,
    async (world, [text]) => {
      world.context = {}
      await enter(world, 'stable')
      await evaluate(world)
      assert.equal(detailsOf(world).value, text)
    },
  ],
  [
    /^the default (?:string|integer) value should be returned$/,
    (world) => assert.equal(detailsOf(world).value, world.flag.defaultValue),
  ],
  [
    /^the reason should indicate an error and the error code should indicate .* with "(.*)"$/,
    (world, [code]) => {
      const { reason, errorCode } = detailsOf(world)
      assert.deepEqual([reason, errorCode], ['ERROR', code])
    },
  ],
  [
    /^the reason should be "(.*)"$/,
    (world, [reason]) => {
      if (reason === 'CACHED')
        throw new NotApplicable('every answer is evaluated anew from memory: none comes from a cache')
      assert.equal(detailsOf(world).reason, reason)
    },
  ],
  [
    /^the variant should be "([^"]*)"$/,
    (world, [variant]) => assert.equal(detailsOf(world).variant, variant),
  ],
  [/^the flag key should be "(.*)"$/, (world, [key]) => assert.equal(detailsOf(world).flagKey, key)],
  [/^the error-code should be "(.*)"$/, (world, [code]) => assert.equal(detailsOf(world).errorCode, code)],
  [
    /^the error message should contain "(.*)"$/,
    (world, [text = '']) =>
      assert.ok(detailsOf(world).errorMessage?.includes(text), detailsOf(world).errorMessage),
  ],
  [
    /^the resolved metadata should contain$/,
    () => {
      throw new NotApplicable(
        'a flag has no metadata of its owner: its own are ruleId, expired and prerequisite',
      )
    },
  ],
  [/^the resolved metadata is empty$/, (world) => assert.deepEqual({ ...detailsOf(world).flagMetadata }, {})],
]
