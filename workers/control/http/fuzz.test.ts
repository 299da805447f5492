import * as fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { api, type Operation } from '@halyard/shared/contract/api.ts'
import { Problem } from '@halyard/shared/contract/problems.ts'
import { makeShop, useKit } from '../test-kit.ts'

const kit = useKit()
let token: string

beforeAll(async () => {
  await makeShop(kit)
  token = await kit.makeToken({ project: 'shop', environment: 'production' })
})

/** Names and values that the API knows, so that a body often gets past the first check. */
const names = [
  'key name description tags kind variants clientVisible valueType environments enabled offVariant overrides rules',
  'fallthrough comment flags class role origins environment expiresAt context flag protected production value values',
  'prerequisites sample share seed ramp from to steps at layer slot slots outside until include exclude segment flag',
  'owner temporary expiresAt onExpiry schema ignoreCase zone members',
  'attribute op when all any not serve variant split weights weight by id __proto__ constructor',
].flatMap((line) => line.split(' '))
const values = [
  'on',
  'off',
  'boolean',
  'string',
  'eq',
  'in',
  'targetingKey',
  'production',
  'admin',
  'server',
  '',
  '\0',
  '\ud800',
]
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.constantFrom(...values, null, true, false, 0, -1, 100_000, 1e300, Number.MAX_SAFE_INTEGER),
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.double({ noNaN: true }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.constantFrom(...names), fc.string({ unit: 'binary', maxLength: 5 })),
      tie('value'),
      { maxKeys: 8 },
    ),
  ),
})).value

const condition = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.record(
      {
        attribute: fc.string({ maxLength: 5 }),
        op: fc.constantFrom(
          'eq',
          'gt',
          'in',
          'matches',
          'inCidr',
          'semverRange',
          'within',
          'weekdayIn',
          'nope',
        ),
        value: json,
        values: json,
        negate: json,
      },
      { requiredKeys: ['attribute', 'op'] },
    ),
    fc.record({ all: fc.array(tie('tree'), { maxLength: 3 }) }),
    fc.record({ not: tie('tree') }),
  ),
})).tree
const variantKey = fc.constantFrom('on', 'off', 'nope')
const serve = fc.oneof(
  fc.record({ variant: variantKey }),
  fc.record({
    split: fc.record({
      weights: fc.array(fc.record({ variant: variantKey, weight: fc.constantFrom(0, 50_000, 100_000, -1) }), {
        maxLength: 3,
      }),
    }),
  }),
)
/** A state that is nearly right. */
const state = fc.record(
  {
    enabled: fc.boolean(),
    offVariant: variantKey,
    overrides: fc.array(
      fc.record({
        values: fc.array(fc.oneof(fc.string(), fc.integer()), { maxLength: 3 }),
        variant: variantKey,
      }),
      { maxLength: 2 },
    ),
    rules: fc.array(
      fc.record({ when: condition, serve, name: fc.string() }, { requiredKeys: ['when', 'serve'] }),
      { maxLength: 3 },
    ),
    fallthrough: serve,
  },
  { requiredKeys: [] },
)
const variants = fc.array(
  fc.record({ key: fc.oneof(variantKey, fc.string({ unit: 'binary', maxLength: 8 })), value: json }),
  { maxLength: 4 },
)
const definition = fc.record(
  {
    name: fc.string(),
    description: fc.string(),
    tags: fc.array(fc.string(), { maxLength: 3 }),
    variants,
    clientVisible: fc.boolean(),
  },
  { requiredKeys: [] },
)
const newFlag = fc
  .tuple(
    definition,
    fc.record(
      {
        key: fc.stringMatching(/^[a-z]{1,12}$/),
        valueType: fc.constantFrom('boolean', 'string', 'number', 'json'),
        environments: fc.dictionary(fc.constantFrom('production', 'staging', 'x'), state),
      },
      { requiredKeys: ['key'] },
    ),
  )
  .map(([some, more]) => ({ ...some, ...more }))
const anyFlag = fc.oneof(
  newFlag,
  fc.record({
    key: fc.stringMatching(/^[a-z]{1,12}$/),
    environments: fc.constant({ staging: { enabled: true } }),
  }),
)
const likely: Partial<Record<Operation, fc.Arbitrary<unknown>>> = {
  createFlag: anyFlag,
  shortCreateFlag: anyFlag,
  importFlags: fc.record({ flags: fc.array(anyFlag, { minLength: 1, maxLength: 2 }) }),
  updateFlag: definition,
  updateFlagState: state,
  shortUpdateFlag: fc.tuple(definition, state).map(([a, b]) => ({ ...a, ...b })),
}

const bodied = Object.entries(api).filter(([, endpoint]) => 'body' in endpoint) as [
  Operation,
  (typeof api)[Operation],
][] // Object.entries widens the names

test.for(bodied)(
  '%s: no body makes it fail, and a refused one writes nothing',
  async ([operation, endpoint]) => {
    const path = endpoint.path
      .replace(':org', 'acme')
      .replace(':project', 'shop')
      .replace(':environment', 'production')
      .replace(':key', 'checkout')
    const body = fc.oneof(...[json, likely[operation]].filter((one) => one !== undefined))
    const seen = new Set<boolean>()
    const minimal =
      operation === 'importFlags'
        ? { flags: [{ key: 'minimal' }] }
        : operation.includes('reate')
          ? { key: operation }
          : {}
    await fc.assert(
      fc.asyncProperty(body, async (sent) => {
        const before = await kit.stored()
        const options = {
          body: JSON.stringify(sent),
          headers: { 'if-match': '*' },
          ...(endpoint.tag === 'Short forms' && { token }),
        }
        const reply = await kit.call(endpoint.method, path, options)
        seen.add(reply.status < 300)
        expect(reply.status).toBeLessThan(500)
        if (reply.status >= 400) {
          Problem.parse(reply.body)
          expect(await kit.stored()).toEqual(before)
        } else expect(endpoint.result.parse(reply.body)).toEqual(reply.body)
      }),
      { numRuns: likely[operation] ? 25 : 8, examples: [[minimal], [{ nope: 1 }]] },
    )
    if (likely[operation]) expect(seen).toEqual(new Set([true, false])) // else it tested one side only
    // Whatever was accepted can be published: every environment still compiles and evaluates.
    for (const environment of ['development', 'staging', 'production']) {
      const { flags } = await kit.ok(
        'POST',
        `/orgs/acme/projects/shop/environments/${environment}/evaluate`,
        { body: {} },
      )
      expect(flags.filter((flag: { errorCode?: string }) => flag.errorCode === 'PARSE_ERROR')).toEqual([])
    }
  },
)
