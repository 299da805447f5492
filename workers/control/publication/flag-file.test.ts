/** A file of flags, and the same flags made through the API: what the one says the other says. */
import { beforeAll, expect, test } from 'vitest'
import { checkFlagFile } from '@halyard/shared/flag-file/check-flag-file.ts'
import { compileFlagFile } from '@halyard/shared/flag-file/compile-flag-file.ts'
import { FlagFile } from '@halyard/shared/flag-file/flag-file.ts'
import { resolve, valueTypeOf, variantsOf } from '@halyard/shared/flag-file/resolve.ts'
import { makeShop, shop, useKit } from '../test-kit.ts'
import { compile } from './compile.ts'
import { readCommitted } from './read-history.ts'

const kit = useKit()
beforeAll(() => makeShop(kit))

const half = { weights: [{ variant: 'on', weight: 50_000 }, { variant: 'off', weight: 50_000 }] } // prettier-ignore
const isBeta = { segment: 'beta' }
const file = FlagFile.parse({
  segments: {
    staff: { include: ['u1'], exclude: ['u2'], when: { attribute: 'email', op: 'endsWith', values: ['@x.y'] } },
    beta: { attribute: 'account', when: { any: [{ segment: 'staff' }] }, environments: { production: { include: ['a1'] } } },
  },
  layers: { tests: { seed: '00000000000000aa', by: 'account', slots: [{ name: 'one', from: 0, to: 50_000 }] } },
  flags: {
    plain: { enabled: true, seed: '0000000000000001' },
    text: { enabled: false, seed: '0000000000000002', variants: { a: 'A', b: 'B' }, offVariant: 'b', clientVisible: true },
    mixed: { enabled: true, seed: '0000000000000003', variants: { n: 1, t: 'x' }, variant: 't' },
    rich: {
      enabled: false,
      seed: '0000000000000004',
      expiresAt: '2027-01-01T00:00:00+01:00',
      onExpiry: { variant: 'off' },
      prerequisites: [{ flag: 'plain', variants: ['on'] }],
      overrides: [{ values: ['u9'], variant: 'off', until: 1_900_000_000_000 }],
      rules: [{ when: { all: [] }, serve: { variant: 'off' } }],
      environments: {
        production: {
          enabled: true,
          rules: [
            {
              id: 'rul_01jd3c5k2v8q7w4n0x6t9b1m2r',
              name: 'some testers',
              when: { all: [isBeta, { attribute: 'ua', op: 'matches', value: '^Fire.*' }, { flag: 'text', variants: ['a'] }] },
              sample: { share: 20_000, seed: '00000000000000bb' },
              serve: { split: { ...half, layer: { key: 'tests', slot: 'one' } } },
            },
          ],
          fallthrough: { ramp: { from: 'off', to: 'on', steps: [{ at: '2026-12-01T00:00:00Z', share: 1_000 }] } },
        },
      },
    },
  },
}) // prettier-ignore

test('a file compiles to the bytes that the server publishes of the same flags', async () => {
  await createAll(file)
  const [scope] = await kit.sql<{ org_id: string; id: string }>(
    "select org_id, id from environments where key = 'production'",
  )
  const found = await readCommitted(kit.deps.db, {
    orgId: scope?.org_id ?? '',
    environmentId: scope?.id ?? '',
  })
  const { body } = await compile('env_1', { epoch: 1, version: 1 }, found?.rows ?? [])
  const own = body.split('\n').filter((line) => !/^flag\t(checkout|banner)\t/.test(line)) // the shop's
  expect(compileFlagFile(resolve(file, 'production')).split('\n')).toEqual(own)
})

const on = { enabled: true }
const split = (...weights: readonly (readonly [string, number])[]) => ({
  split: { weights: weights.map(([variant, weight]) => ({ variant, weight })) },
})
const matches = (value: string) => ({ attribute: 'a', op: 'matches', value })
const rule = (when: object, serve: object = { variant: 'on' }) => ({ rules: [{ when, serve }] })

/** Each breaks what its schema cannot say. Pointers are into the flag. */
const refused: readonly (readonly [string, object, readonly string[]])[] = [
  ['an unknown off variant', { ...on, offVariant: 'x' }, ['/offVariant']],
  ['an unknown variant in the short form', { ...on, variant: 'x' }, ['/variant']],
  ['unknown variants in a split', { ...on, fallthrough: split(['x', 1], ['y', 99_999]) }, ['/fallthrough/split/weights/0/variant', '/fallthrough/split/weights/1/variant']],
  ['an unknown variant of an environment', { ...on, environments: { production: { variant: 'x' } } }, ['/environments/production/variant']],
  ['an unknown variant in an override', { ...on, overrides: [{ values: ['u'], variant: 'x' }] }, ['/overrides/0/variant']],
  ['values of another type', { ...on, valueType: 'number', variants: { a: 1, 'b/c': 'x' } }, ['/variants/b~1c']],
  ['an unknown variant at expiry', { ...on, expiresAt: 1, onExpiry: { variant: 'x' } }, ['/onExpiry/variant']],
  ['a value that its schema refuses', { ...on, variants: { a: { n: 'x' } }, schema: { properties: { n: { type: 'number' } } } }, ['/variants/a/n']],
  ['a schema that is none', { ...on, schema: { type: 'nothing' } }, ['/schema/type']],
  ['a pattern that RE2 does not take', { ...on, ...rule(matches('(?=a)')) }, ['/rules/0/when']],
  ['a flag that is not there', { ...on, ...rule({ any: [{ flag: 'none', variants: ['on'] }] }) }, ['/rules/0/when/any/0/flag']],
  ['a segment that is not there', { ...on, ...rule({ not: { segment: 'none' } }) }, ['/rules/0/when/not/segment']],
  ['a variant that the other flag has not', { ...on, prerequisites: [{ flag: 'plain', variants: ['x'] }] }, ['/prerequisites/0/variants/0']],
  ['a slot that the layer has not', { ...on, ...rule({ all: [] }, { split: { ...half, layer: { key: 'tests', slot: 'two' } } }) }, ['/rules/0/serve/split/layer/slot']],
  ['itself', { ...on, prerequisites: [{ flag: 'broken', variants: ['on'] }] }, ['/prerequisites/0/flag']],
  ['outside in a rule', { ...on, ...rule({ all: [] }, { split: { ...half, outside: 'on' } }) }, ['/rules/0/serve/split/outside']],
  ['a sample with the seed of its flag', { ...on, seed: '0000000000000009', rules: [{ when: { all: [] }, sample: { share: 1, seed: '0000000000000009' }, serve: { variant: 'on' } }] }, ['/rules/0/sample/seed']],
  ['two faults at once', { ...on, offVariant: 'x', variant: 'y' }, ['/offVariant', '/variant']],
] // prettier-ignore

test.each(refused)('%s is refused as the server refuses it', async (_, flag, pointers) => {
  const broken = FlagFile.parse({ ...file, flags: { ...file.flags, broken: flag } })
  const faults = checkFlagFile(broken)
  expect(faults.map(({ pointer }) => pointer)).toEqual(pointers.map((pointer) => `/flags/broken${pointer}`))
  const reply = await kit.call('POST', `${shop}/flags`, { body: toCreate(broken, 'broken') })
  expect(reply.status).toBe(400)
  expect(faults.map(({ detail }) => detail)).toEqual(
    reply.body.errors.map(({ detail }: { detail: string }) => detail),
  )
})

async function createAll(whole: FlagFile): Promise<void> {
  for (const [key, { seed, by, slots }] of Object.entries(whole.layers ?? {}))
    await kit.ok('POST', `${shop}/layers`, { body: { key, seed, by, slots } }) // oxlint-disable-line no-await-in-loop -- in order
  for (const { key, state } of resolve(whole, 'production').segments) {
    const { members: _, ...given } = state
    await kit.ok('POST', `${shop}/segments`, { body: { key, environments: { production: given } } }) // oxlint-disable-line no-await-in-loop -- in order
  }
  for (const key of Object.keys(whole.flags))
    await kit.ok('POST', `${shop}/flags`, { body: toCreate(whole, key) }) // oxlint-disable-line no-await-in-loop -- in order
}

function toCreate(whole: FlagFile, key: string): object {
  const flag = whole.flags[key]
  const resolved = resolve(whole, 'production').flags.find((one) => one.key === key)
  if (!flag || !resolved) throw new Error('it is in the file')
  const { clientVisible, expiresAt, onExpiry, schema } = flag
  const { seed, state } = resolved
  return {
    key,
    seed,
    valueType: valueTypeOf(flag),
    variants: variantsOf(flag),
    clientVisible,
    expiresAt,
    onExpiry,
    schema,
    environments: { production: state },
  }
}
