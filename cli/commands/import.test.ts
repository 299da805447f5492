import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { FlagFile } from '@halyard/shared/flag-file/flag-file.ts'
import { readFlagFile } from '@halyard/shared/flag-file/parse-flag-file.ts'
import { emptyFolder, runCli } from '../test-kit.ts'

vi.setConfig({ testTimeout: 30_000 }) // processes are started, perhaps on a busy machine

const demo = fileURLToPath(new URL('../importers/otel-demo.flagd.json', import.meta.url))
async function run(args: readonly string[], file?: object) {
  const folder = emptyFolder()
  const path = join(folder, 'flags.json')
  if (file) writeFileSync(path, JSON.stringify(file))
  else copyFileSync(demo, path)
  const ran = await runCli(['import', 'flagd', 'flags.json', ...args], {}, folder)
  const out = join(folder, 'out.json')
  return { ...ran, written: existsSync(out) ? FlagFile.parse(JSON.parse(readFileSync(out, 'utf8'))) : null }
}

const toFile = ['--out', 'out.json']
const writtenBy = async (args: string[]) => (await run(args, { flags: { a: plain } })).written?.flags
const plain = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on' }
const inexpressible = { ...plain, targeting: { if: [{ missing: ['email'] }, 'on'] } }

test('an import shows what would come of a file, and needs no server', async () => {
  const { code, stdout, stderr } = await run([])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^FLAG +PLAN +IN every environment$/m)
  expect(stdout).toMatch(/^productCatalogFailure +create +boolean, on, 1 rule$/m)
  expect(stdout).toContain('would write 16 flags, visible to client keys')
})

test('an import into a project is `apply`, which shows its plan and asks: there is no second way', async () => {
  for (const args of [['--apply'], ['--env', 'production']]) {
    // oxlint-disable-next-line no-await-in-loop -- one process after another
    const { code, written } = await run([...args, ...toFile])
    expect({ args, code, written }).toEqual({ args, code: 2, written: null })
  }
})

test('one refused flag keeps all from being written, and the exit code says so', async () => {
  const file = { flags: { fine: plain, mail: inexpressible } }
  const { code, stdout, stderr, written } = await run(toFile, file)
  expect({ code, written }).toEqual({ code: 3, written: null })
  expect(stdout).toMatch(/^mail +refused +JsonLogic `missing` cannot be expressed as a condition$/m)
  expect(stderr).toBe('halyard: 1 flag refused, so nothing was written\n')
})

test('a plan with a refused flag says so by its exit code, and is JSON all the same', async () => {
  const { code, stdout } = await run(['--json'], { flags: { mail: inexpressible } })
  expect(code).toBe(3)
  expect(JSON.parse(stdout)).toEqual({
    out: null,
    flags: [
      {
        action: 'refuse',
        key: 'mail',
        reasons: ['JsonLogic `missing` cannot be expressed as a condition'],
      },
    ],
  })
})

test('keys that differ by case from each other are refused', async () => {
  const { code, stdout } = await run([], { flags: { one: plain, One: plain } })
  expect(code).toBe(3)
  expect(stdout).toMatch(/^one +create/m)
  expect(stdout).toMatch(/^One +refused +its key differs only by case from "one"$/m)
})

test('imported flags are visible to client keys, as in flagd, unless --server-only says otherwise', async () => {
  expect(await writtenBy(toFile)).toMatchObject({ a: { clientVisible: true } })
  expect((await writtenBy([...toFile, '--server-only']))?.['a']).not.toHaveProperty('clientVisible', true)
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
  const file = { flags: { a: { ...plain, targeting } } }
  expect((await run([], file)).code).toBe(3)
  const { code, stdout } = await run(['--typed', '--rebucket', '--json'], file)
  expect(code).toBe(0)
  expect(JSON.parse(stdout).flags[0].notes).toHaveLength(2)
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
  const where = join('in.flagd.yaml', 'flags.yaml') // a folder that is a file
  const blocked = await runCli([...args.slice(0, -1), where], {}, folder)
  expect(blocked).toMatchObject({ code: 2, stderr: expect.stringContaining(`${where} cannot be written`) })
  expect(blocked.stderr).not.toMatch(/^ +at /m)
  writeFileSync(join(folder, 'in.flagd.yaml'), yaml.join('\n').replace('ends_with', 'missing'))
  const refused = await runCli([...args.slice(0, -1), 'no.yaml'], {}, folder)
  expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('1 flag refused') })
  expect(existsSync(join(folder, 'no.yaml'))).toBe(false)
})
