import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { FlagCreate } from '@halyard/shared/contract/flag.ts'
import { readFlagFile } from '@halyard/shared/flag-file/parse-flag-file.ts'
import { environmentOf, flagOf, pageOf, problemOf } from '../test-data.ts'
import { emptyFolder, runCli, startServer, type Answer, type Seen } from '../test-kit.ts'

vi.setConfig({ testTimeout: 30_000 }) // processes are started, perhaps on a busy machine

const demo = fileURLToPath(new URL('../importers/otel-demo.flagd.json', import.meta.url))
const inProject = '/api/v1/orgs/acme/projects/web'

interface World {
  readonly file?: object
  readonly flags?: readonly string[]
  readonly archived?: readonly string[]
  readonly write?: Answer
}

function listed(keys: readonly string[], changes = {}) {
  return { body: pageOf(keys.map((key) => flagOf(key, changes))) }
}

async function run(args: readonly string[], { file, flags = [], archived = [], write }: World = {}) {
  const folder = emptyFolder()
  const path = join(folder, 'flags.json')
  if (file) writeFileSync(path, JSON.stringify(file))
  else copyFileSync(demo, path)
  await using server = await startServer(({ method, url }) => {
    if (method === 'POST' && url === `${inProject}/flags/import`)
      return (
        write ?? {
          status: 201,
          body: { flags: [], versions: { development: '1.8', production: '1.9' }, warnings: [] },
        }
      )
    if (url === `${inProject}/flags?archived=false&limit=200`) return listed(flags)
    if (url === `${inProject}/flags?archived=true&limit=200`) return listed(archived, { archived: true })
    if (url === `${inProject}/environments?limit=200`) {
      const old = environmentOf('old', { archived: true })
      return { body: pageOf([environmentOf('development'), environmentOf('production'), old]) }
    }
    return { status: 404, body: problemOf('not_found', 404, { detail: `${method} ${url}` }) }
  })
  const where = ['--api', server.url, '--org', 'acme', '--project', 'web', '--token', 't']
  const ran = await runCli(['import', 'flagd', 'flags.json', ...where, ...args], {}, folder)
  return { ...ran, writes: server.seen.filter(({ method }) => method !== 'GET') }
}

function flagsOf(writes: readonly Seen[]): FlagCreate[] {
  return (writes[0]?.body as { flags: FlagCreate[] } | undefined)?.flags ?? []
}

const plain = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on' }
const inexpressible = { ...plain, targeting: { if: [{ missing: ['email'] }, 'on'] } }

test('a plan shows what would be created and writes nothing', async () => {
  const { code, stdout, writes } = await run([])
  expect({ code, writes }).toEqual({ code: 0, writes: [] })
  expect(stdout).toMatch(/^FLAG +PLAN +IN development, production$/m)
  expect(stdout).toMatch(/^productCatalogFailure +create +boolean, on, 1 rule$/m)
  expect(stdout).toContain('would create 16 flags, visible to client keys')
})

test('--apply creates all in one request with an Idempotency-Key, the same state in every environment', async () => {
  const { code, stdout, writes } = await run(['--apply'])
  expect(code).toBe(0)
  expect(stdout).toContain('created 16 flags in development, production')
  expect(writes).toHaveLength(1)
  expect(writes[0]?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/)
  const flags = flagsOf(writes)
  expect(flags.map((flag) => FlagCreate.safeParse(flag).success)).toEqual(
    Array.from({ length: 16 }, () => true),
  )
  const state = { enabled: true, offVariant: 'off', rules: [], fallthrough: { variant: 'off' } }
  expect(flags[0]).toEqual({
    key: 'adFailure',
    valueType: 'boolean',
    clientVisible: true,
    description: 'Fail ad service',
    variants: [
      { key: 'off', value: false },
      { key: 'on', value: true },
    ],
    environments: { development: state, production: state },
  })
})

test('--env sets the state there alone', async () => {
  const { writes } = await run(['--apply', '--env', 'production'])
  const flags = flagsOf(writes)
  expect(Object.keys(flags[0]?.environments ?? {})).toEqual(['production'])
})

test('an environment that is not there is a usage error', async () => {
  const { code, stderr, writes } = await run(['--apply', '--env', 'nope'])
  expect({ code, writes }).toEqual({ code: 2, writes: [] })
  expect(stderr).toContain('there is development, production')
})

test('flags that exist are left alone, archived ones too', async () => {
  const world = {
    file: { flags: { here: plain, gone: inexpressible, fresh: plain } },
    flags: ['here'],
    archived: ['gone'],
  }
  const { stdout, writes } = await run(['--apply', '--json'], world)
  expect(JSON.parse(stdout)).toMatchObject({
    applied: true,
    flags: [
      { key: 'here', action: 'exists', isArchived: false },
      { key: 'gone', action: 'exists', isArchived: true },
      { key: 'fresh', action: 'create' },
    ],
  })
  expect(writes[0]?.body).toMatchObject({ flags: [{ key: 'fresh' }] })
})

test('with nothing to create nothing is written', async () => {
  const { code, stdout, writes } = await run(['--apply'], {
    file: { flags: { here: plain } },
    flags: ['here'],
  })
  expect({ code, writes }).toEqual({ code: 0, writes: [] })
  expect(stdout).toContain('nothing to create')
})

test('one refused flag keeps all from being written, and the exit code says so', async () => {
  const file = { flags: { fine: plain, mail: inexpressible } }
  const { code, stdout, stderr, writes } = await run(['--apply'], { file })
  expect({ code, writes }).toEqual({ code: 3, writes: [] })
  expect(stdout).toMatch(/^mail +refused +JsonLogic `missing` cannot be expressed as a condition$/m)
  expect(stderr).toBe('halyard: 1 flag refused, so nothing was written\n')
})

test('a plan with a refused flag says so by its exit code, and is JSON all the same', async () => {
  const { code, stdout } = await run(['--json'], { file: { flags: { mail: inexpressible } } })
  expect(code).toBe(3)
  expect(JSON.parse(stdout)).toEqual({
    applied: false,
    environments: ['development', 'production'],
    flags: [
      {
        action: 'refuse',
        key: 'mail',
        reasons: ['JsonLogic `missing` cannot be expressed as a condition'],
      },
    ],
    versions: {},
    warnings: [],
  })
})

test('keys that differ by case from one that exists, or from each other, are refused', async () => {
  const world = { file: { flags: { Here: plain, one: plain, One: plain } }, flags: ['here'] }
  const { code, stdout } = await run([], world)
  expect(code).toBe(3)
  expect(stdout).toMatch(/^Here +refused +its key differs only by case from "here"$/m)
  expect(stdout).toMatch(/^one +create/m)
  expect(stdout).toMatch(/^One +refused +its key differs only by case from "one"$/m)
})

test('imported flags are visible to client keys, as in flagd, unless --server-only says otherwise', async () => {
  const world = { file: { flags: { a: plain } } }
  const writtenBy = async (args: string[]) => (await run(args, world)).writes[0]?.body
  expect(await writtenBy(['--apply'])).toMatchObject({ flags: [{ key: 'a', clientVisible: true }] })
  expect(await writtenBy(['--apply', '--server-only'])).toMatchObject({
    flags: [{ key: 'a', clientVisible: false }],
  })
})

test('--typed and --rebucket reach the importer, and what they grant is noted', async () => {
  const targeting = {
    if: [
      { '>': [{ var: 'age' }, 18] },
      {
        fractional: [
          ['on', 1],
          ['off', 1],
        ],
      },
    ],
  }
  const world = { file: { flags: { a: { ...plain, targeting } } } }
  expect((await run([], world)).code).toBe(3)
  const { code, stdout } = await run(['--typed', '--rebucket', '--json'], world)
  expect(code).toBe(0)
  expect(JSON.parse(stdout).flags[0].notes).toHaveLength(2)
})

test('more flags than one import takes are refused before anything is written', async () => {
  const flags = Object.fromEntries(Array.from({ length: 501 }, (_, i) => [`f${i}`, plain]))
  const { code, stderr, writes } = await run(['--apply'], { file: { flags } })
  expect({ code, writes }).toEqual({ code: 3, writes: [] })
  expect(stderr).toContain('501 flags are new, one import takes 500')
})

test('what the API finds is told by the name of the flag', async () => {
  const errors = [
    { code: 'invalid_value', pointer: '/flags/1/variants/0/value', detail: 'is larger than 65536 bytes' },
  ]
  const write = { status: 400, body: problemOf('invalid_input', 400, { errors }) }
  const { code, stdout, stderr } = await run(['--apply', '--json'], {
    file: { flags: { a: plain, b: plain } },
    write,
  })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toContain('  b/variants/0/value: is larger than 65536 bytes\n')
})

test('--out writes a file of flags that decides alike, from YAML too, without any server', async () => {
  const folder = emptyFolder()
  const yaml = [
    'flags:',
    '  mail:',
    '    state: ENABLED',
    '    variants: { on: true, off: false }',
    '    defaultVariant: off',
    '    targeting: { if: [{ ends_with: [{ var: email }, "@x.com"] }, on] }',
  ]
  writeFileSync(join(folder, 'in.flagd.yaml'), yaml.join('\n'))
  const args = ['import', 'flagd', 'in.flagd.yaml', '--out', 'flags.yaml']
  expect(await runCli(args, {}, folder)).toMatchObject({ code: 0, stderr: '' })
  const text = readFileSync(join(folder, 'flags.yaml'), 'utf8')
  const parsed = readFlagFile(text, 'yaml')
  expect(parsed.file?.flags).toEqual({
    mail: {
      clientVisible: true,
      enabled: true,
      variant: 'off',
      rules: [{ when: { attribute: 'email', op: 'endsWith', values: ['@x.com'] }, serve: { variant: 'on' } }],
    },
  })
  const again = await runCli(args, {}, folder)
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('flags.yaml is there already') })
  writeFileSync(join(folder, 'in.flagd.yaml'), yaml.join('\n').replace('ends_with', 'missing'))
  const refused = await runCli([...args.slice(0, -1), 'no.yaml'], {}, folder)
  expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('1 flag refused') })
  expect(existsSync(join(folder, 'no.yaml'))).toBe(false)
})
