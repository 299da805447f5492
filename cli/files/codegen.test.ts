/** What `codegen` writes, as the TypeScript compiler and its users see it. */
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { emptyFolder, runCli } from '../test-kit.ts'
import { writeJson } from './files.test-kit.ts'
import { toTypeScript, type CodeFlag } from './typescript.ts'

vi.setConfig({ testTimeout: 60_000 }) // a compiler is started, perhaps on a busy machine

const root = fileURLToPath(new URL('../..', import.meta.url))

const file = {
  flags: {
    'new-checkout': {
      enabled: true,
      name: 'New checkout',
      description: 'Ends no */ comment',
      clientVisible: true,
    },
    theme: { enabled: true, variants: { d: 'dark', l: "li'ght" } },
    rate: { enabled: true, variants: { a: 1, b: 2.5 } },
    limits: { enabled: true, variants: { a: { max: 1, tags: ['x'] }, b: { max: 2 } } },
    maybe: { enabled: true, valueType: 'json', variants: { a: { max: 1 }, b: null } },
    mixed: { enabled: true, valueType: 'json', variants: { a: 1, b: 'all' } },
    shape: {
      enabled: true,
      valueType: 'json',
      variants: { a: { size: 1 } },
      schema: {
        type: 'object',
        properties: { size: { type: 'integer' }, unit: { enum: ['px', 'em'] } },
        required: ['size'],
      },
    },
    old: { enabled: true, expiresAt: '2020-01-01T00:00:00Z', onExpiry: { variant: 'off' } },
  },
}

function flag(key: string, changes: Partial<CodeFlag> = {}): CodeFlag {
  return {
    key,
    name: key,
    description: '',
    valueType: 'boolean',
    variants: [],
    schema: null,
    expiresAt: null,
    onExpiry: 'keep',
    ...changes,
  }
}

/** The lines of `uses` that the compiler refuses, by what it says first of each. */
async function refusals(uses: readonly string[]): Promise<Map<number, string>> {
  const folder = emptyFolder()
  writeJson(folder, 'flags.json', file)
  expect(await runCli(['codegen', '--file', 'flags.json'], {}, folder)).toMatchObject({ code: 0 })
  const head = [
    `import type { Flags } from '${join(root, 'sdk/client/flags.ts')}'`,
    `import { flagKeys, type FlagTypes } from './flags.ts'`,
    'declare const client: Flags<FlagTypes>',
    'export const theme: "dark" | "li\'ght" = client.string("theme", "dark")',
  ]
  writeFileSync(join(folder, 'src/app.ts'), [...head, ...uses, 'export { flagKeys }', ''].join('\n'))
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: 'es2024',
    module: 'nodenext',
    allowImportingTsExtensions: true,
    skipLibCheck: true,
    types: [],
    paths: { '@halyard/shared/*': [join(root, 'shared/*')], '@halyard/sdk/*': [join(root, 'sdk/*')] },
  }
  writeJson(folder, 'tsconfig.json', { compilerOptions, include: ['src'] })
  const tsc = join(root, 'node_modules/.bin/tsc')
  const { stdout } = await promisify(execFile)(tsc, ['-p', folder, '--pretty', 'false']).catch(
    (error: { stdout: string }) => error, // it ends with 2 if it refuses anything
  )
  const found = [...stdout.matchAll(/^src\/app\.ts\((\d+),\d+\): error (TS\d+)/gm)].concat([
    ...stdout.matchAll(/app\.ts\((\d+),\d+\): error (TS\d+)/g),
  ])
  expect(stdout.split('\n').filter((line) => /error/.test(line) && !line.includes('app.ts'))).toEqual([])
  return new Map(found.map(([, line, code]) => [Number(line) - head.length, String(code)]))
}

test('right uses compile; a flag that is gone, a wrong type and a wrong value do not', async () => {
  const right = [
    'client.boolean(flagKeys.newCheckout, false)',
    'client.number("rate", 3)',
    'export const max: number = client.json("limits", { max: 1 }).max',
    'client.json("shape", { size: 2, unit: "em" })',
    'client.variant(flagKeys.old)',
    'export const maybe: number | undefined = client.json("maybe", null)?.max',
    'client.json("mixed", 2)',
  ]
  const wrong = [
    'client.boolean("gone", false)',
    'client.boolean("theme", false)',
    'client.string("theme", "purple")',
    'client.json("limits", { most: 1 })',
    'client.json("shape", { size: 2, unit: "pt" })',
    'client.isEnabled("rate")',
    'client.json("rate", 1)',
    'export const sure: number = client.json("maybe", null).max',
    'flagKeys.gone',
    'client.json("limits", { max: 1 }).max = 2',
  ]
  const refused = await refusals([...right, ...wrong])
  const first = right.length + 1
  expect([...refused.keys()].toSorted((a, b) => a - b)).toEqual(wrong.map((_, i) => first + i))
})

test('the same flags give the same text, in whatever order they come', () => {
  const flags = [flag('b'), flag('a', { name: 'A' }), flag('c.d')]
  expect(toTypeScript(flags)).toBe(toTypeScript(flags.toReversed()))
  expect(toTypeScript([])).toContain('export const flagKeys = {} as const')
})

test('keys become names in camel case, unless two would be one or it is a key already', () => {
  const keys = ['new-checkout', 'new.checkout', 'darkMode', 'dark-mode', '404', 'a_b', 'Upper-case']
  const text = toTypeScript(keys.map((key) => flag(key)))
  expect(text.slice(text.indexOf('flagKeys'))).toBe(
    [
      'flagKeys = {',
      "  '404': '404',",
      "  upperCase: 'Upper-case',",
      "  aB: 'a_b',",
      "  'dark-mode': 'dark-mode',",
      "  darkMode: 'darkMode',",
      "  'new-checkout': 'new-checkout',",
      "  'new.checkout': 'new.checkout',",
      '} as const',
      '',
    ].join('\n'),
  )
})

test.each<[string, Partial<CodeFlag>, string]>([
  ['long texts', { valueType: 'string', variants: [{ key: 'a', value: 'x'.repeat(200) }] }, 'string'],
  [
    'a schema that no type can say',
    { valueType: 'json', schema: { $ref: '#/x' }, variants: [{ key: 'a', value: { n: 1 } }] },
    '{ readonly n: number }',
  ],
  [
    'lists',
    {
      valueType: 'json',
      variants: [
        { key: 'a', value: [1, 'x', null] },
        { key: 'b', value: [] },
      ],
    },
    'readonly (number | string | null)[]',
  ],
  [
    'objects that differ',
    {
      valueType: 'json',
      variants: [
        { key: 'a', value: { a: 1 } },
        { key: 'b', value: { b: { c: true } } },
      ],
    },
    '{ readonly a?: number; readonly b?: { readonly c: boolean } }',
  ],
  [
    'an object or nothing',
    {
      valueType: 'json',
      variants: [
        { key: 'a', value: { n: 1 } },
        { key: 'b', value: null },
      ],
    },
    '{ readonly n: number } | null',
  ],
  [
    'a record',
    { valueType: 'json', schema: { type: 'object', additionalProperties: { type: 'number' } } },
    '{ readonly [name: string]: number }',
  ],
  ...Object.entries({
    'a choice beside members': { type: 'object', properties: { a: {} }, anyOf: [{ type: 'number' }] },
    'a choice beside a type': { type: 'object', anyOf: [{ type: 'number' }, { type: 'string' }] },
    'a choice beside another': { anyOf: [{ type: 'number' }], oneOf: [{ type: 'string' }] },
    'a required name that is no property': {
      type: 'object',
      properties: { a: { type: 'string' } },
      required: ['n'],
    },
    'other members of a type beside named ones': {
      type: 'object',
      properties: { a: { type: 'string' } },
      additionalProperties: { type: 'number' },
    },
  }).map(([what, schema]): [string, Partial<CodeFlag>, string] => [
    `values whose schema has ${what}`,
    { valueType: 'json', schema, variants: [{ key: 'a', value: { n: 1 } }] },
    '{ readonly n: number }',
  ]),
])('the type of %s', (_, changes, type) => {
  expect(toTypeScript([flag('f', changes)])).toContain(`readonly f: ${type}\n`)
})

test('comments tell what a flag is, and end where they should', () => {
  const text = toTypeScript([
    flag('f', { name: 'F', description: 'a */ b\r\nc', expiresAt: '2027-01-01T00:00:00Z' }),
  ])
  expect(text).toContain(
    '   * F\n   *\n   * a *\\/ b\n   * c\n   *\n   * Expires 2027-01-01, and then goes on as before.\n   */',
  )
})

test('no text of a flag can make code look like other code', () => {
  const text = toTypeScript([
    flag('f', { description: 'a\u202Eb\tc\u0007' }),
    flag('g', { valueType: 'string', variants: [{ key: 'a', value: 'x\u2066\u0085y\u2028' }] }),
  ])
  expect(text).toContain('/** a\uFFFDb c\uFFFD */')
  expect(text).toContain(String.raw`readonly g: 'x\u2066\u0085y\u2028'`)
})

test('--check writes nothing, and ends with 1 until the file is what it would be', async () => {
  const folder = emptyFolder()
  writeJson(folder, 'flags.json', file)
  const out = join(folder, 'gen/keys.ts')
  const args = ['codegen', '--file', 'flags.json', '--out', 'gen/keys.ts']
  const refused = await runCli([...args, '--check'], {}, folder)
  expect(refused).toMatchObject({ code: 1, stdout: '' })
  expect(refused.stderr).toContain('run: halyard codegen --out gen/keys.ts --file flags.json')
  expect(() => readFileSync(out)).toThrow('ENOENT')
  expect((await runCli(args, {}, folder)).stdout).toBe('gen/keys.ts: 8 flags\n')
  mkdirSync(dirname(out), { recursive: true })
  writeFileSync(out, readFileSync(out, 'utf8').replaceAll('\n', '\r\n'))
  expect(await runCli([...args, '--check'], {}, folder)).toMatchObject({ code: 0 })
  writeJson(folder, 'flags.json', { flags: { ...file.flags, theme: { enabled: true } } })
  expect(await runCli([...args, '--check'], {}, folder)).toMatchObject({ code: 1 })
  const blocked = await runCli([...args.slice(0, -1), 'flags.json/keys.ts'], {}, folder)
  expect(blocked).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('flags.json/keys.ts cannot be written'),
  })
})

test('a file that is not UTF-8 is refused, not read as something else', async () => {
  const folder = emptyFolder()
  writeFileSync(
    join(folder, 'flags.yaml'),
    Buffer.from('flags: {f: {enabled: true, description: caf\u00E9}}', 'latin1'),
  )
  const { code, stdout, stderr } = await runCli(['codegen', '--file', 'flags.yaml'], {}, folder)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain('flags.yaml cannot be read')
})
