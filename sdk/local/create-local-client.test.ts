import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import type { ClientStatus, FlagChange } from '../client/flag-client.ts'
import type { ServerClient } from '../server/server-client.ts'
import { createLocalClient, type FileOptions, type LocalOptions } from './create-local-client.ts'

const on = '{"flags": {"a": {"enabled": true, "variant": "on"}}}'
const off = '{"flags": {"a": {"enabled": true, "variant": "off"}}}'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-local-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

function newFile(text: string, name = 'flags.json'): string {
  const file = join(newFolder(), name)
  writeFileSync(file, text)
  return file
}

function fail(): never {
  throw new Error('no log')
}

function open(options: FileOptions) {
  const client = createLocalClient(options)
  onTestFinished(() => client.close())
  return client
}

function next(client: ReturnType<typeof open>, event: 'change'): Promise<FlagChange>
function next(client: ReturnType<typeof open>, event: 'status'): Promise<ClientStatus>
function next(client: ReturnType<typeof open>, event: 'change' | 'status'): Promise<unknown> {
  return new Promise((resolve) => {
    const stop = client.on(event as 'change', (said: unknown) => {
      stop()
      resolve(said)
    })
  })
}

test('a file gives its flags at once, for the environment that is named', async () => {
  const text =
    'flags:\n  theme:\n    enabled: true\n    variants: {light: l, dark: d}\n    environments: {production: {variant: dark}}\n'
  const file = newFile(text, 'flags.yaml')
  expect(open({ file }).string('theme', 'x')).toBe('l')
  const client = open({ file: pathToFileURL(file), environment: 'production' })
  expect(client.stringDetails('theme', 'x')).toEqual({
    flagKey: 'theme',
    value: 'd',
    variant: 'dark',
    reason: 'STATIC',
    flagMetadata: {},
  })
  expect(await client.ready()).toBe(true)
  expect(client.status()).toEqual({ state: 'live', version: null, origin: 'file', ageMs: 0 })
})

test('a change of the file takes effect and names the flags that it may concern', async () => {
  const rule = { when: { segment: 'staff' }, serve: { variant: 'on' } }
  const content = (include: string[]) =>
    JSON.stringify({
      flags: { a: { enabled: true, variant: 'off', rules: [rule] }, b: { enabled: true } },
      segments: { staff: { include } },
    })
  const file = newFile(content([]))
  const client = open({ file })
  const request = client.snapshot({ targetingKey: 'u' })
  expect(request.boolean('a', true)).toBe(false)
  const changed = next(client, 'change')
  writeFileSync(file, content(['u']))
  expect(await changed).toEqual({ version: null, flags: ['a'] })
  expect(client.boolean('a', false, { targetingKey: 'u' })).toBe(true)
  expect(request.boolean('a', true)).toBe(false) // a request sees one view
})

test.each([
  ['put in place by renaming, as editors do', (file: string) => {
    writeFileSync(`${file}~`, off)
    renameSync(`${file}~`, file)
  }],
  ['removed and made again', (file: string) => {
    unlinkSync(file)
    writeFileSync(file, off)
  }],
])('a file that is %s is read again', async (_, change) => {
  const file = newFile(on)
  const client = open({ file })
  const changed = next(client, 'change')
  change(file)
  await changed
  expect(client.isEnabled('a')).toBe(false)
}) // prettier-ignore

test.each([
  ['at once', async () => {}],
  ['later', async (client: ReturnType<typeof open>) => {
    const gone = next(client, 'status')
    expect((await gone).state).toBe('stale')
  }],
])('a file is followed on in a folder that is made again %s', async (_, wait) => {
  const file = newFile(on)
  const client = open({ file })
  rmSync(dirname(file), { recursive: true })
  await wait(client)
  mkdirSync(dirname(file))
  for (const text of [off, on]) {
    const changed = next(client, 'change')
    writeFileSync(file, text)
    await changed
    expect(client.isEnabled('a')).toBe(text === on)
  }
}) // prettier-ignore

test('a link that is turned to another file is read again, and so is the file behind a link', async () => {
  const folder = newFolder()
  const [first, second, link] = ['first', 'second', 'flags.json'].map((name) => join(folder, name))
  for (const [at, text] of [[first, on], [second, on]] as const) {
    mkdirSync(at ?? '')
    writeFileSync(join(at ?? '', 'flags.json'), text)
  }
  symlinkSync(join(first ?? '', 'flags.json'), link ?? '')
  const client = open({ file: link ?? '' })
  const behind = next(client, 'change')
  writeFileSync(join(first ?? '', 'flags.json'), off)
  await behind
  expect(client.isEnabled('a')).toBe(false)
  const turned = next(client, 'change')
  symlinkSync(join(second ?? '', 'flags.json'), `${link}~`)
  renameSync(`${link}~`, link ?? '')
  await turned
  expect(client.isEnabled('a')).toBe(true)
}) // prettier-ignore

test('a broken file leaves the last good flags in place, says why, and is forgotten once it is mended', async () => {
  const file = newFile(on)
  const errors: string[] = []
  const logger = { debug: () => {}, warn: () => {}, error: (message: string) => void errors.push(message) }
  const client = open({ file, logger })
  const broken = next(client, 'status')
  writeFileSync(file, '{"flags": {\n"a": {"enabled": "no"}}}')
  const status = await broken
  expect(status).toMatchObject({ state: 'stale', error: expect.stringContaining('line 2: /flags/a/enabled') })
  expect(errors).toEqual([status.error])
  expect(client.isEnabled('a')).toBe(true)
  const mended = next(client, 'status')
  writeFileSync(file, on) // what it held before: no flag changes
  expect(await mended).toEqual({ state: 'live', version: null, origin: 'file', ageMs: 0 })
})

test('a file that is gone leaves the last good flags in place until it comes again', async () => {
  const file = newFile(on)
  const client = open({ file })
  const gone = next(client, 'status')
  unlinkSync(file)
  expect(await gone).toMatchObject({ state: 'stale', error: expect.stringContaining('cannot be read') })
  expect(client.isEnabled('a')).toBe(true)
  const changed = next(client, 'change')
  writeFileSync(file, off)
  await changed
  expect(client.status().state).toBe('live')
})

test('a listener that rejects is logged', async () => {
  const file = newFile(on)
  const errors: string[] = []
  const logger = { debug: () => {}, warn: () => {}, error: (message: string) => void errors.push(message) }
  const client = open({ file, logger })
  client.on('change', async () => {
    throw new Error('mine')
  })
  const changed = next(client, 'change')
  writeFileSync(file, off)
  await changed
  await expect.poll(() => errors).toEqual(['a listener of "change" failed: Error: mine'])
})

test('a logger that throws hurts nobody', async () => {
  const file = newFile(on)
  const client = open({ file, environment: 'none', logger: { debug: fail, warn: fail, error: fail } })
  const broken = next(client, 'status')
  writeFileSync(file, '{')
  expect((await broken).state).toBe('stale')
  const mended = next(client, 'status')
  writeFileSync(file, off)
  expect((await mended).state).toBe('live')
  expect(client.isEnabled('a')).toBe(false)
})

test('it stands in where a server client is wanted, with nothing to export', () => {
  const client: ServerClient = createLocalClient({ flags: { a: { enabled: true } } })
  expect(client.export()).toBeNull()
})

test('after close nothing is followed, and what is held stays in use', async () => {
  const file = newFile(on)
  const closed = createLocalClient({ file })
  await closed.close()
  const other = open({ file })
  const changed = next(other, 'change')
  writeFileSync(file, off)
  await changed
  expect(closed.isEnabled('a')).toBe(true)
  expect(closed.status().state).toBe('closed')
})

test('with watch false the flags stay as they were read', async () => {
  const file = newFile(on)
  const still = open({ file, watch: false })
  const other = open({ file })
  const changed = next(other, 'change')
  writeFileSync(file, off)
  await changed
  expect(still.isEnabled('a')).toBe(true)
})

test('a listener that throws is logged, and the others hear', async () => {
  const file = newFile(on)
  const errors: string[] = []
  const logger = { debug: () => {}, warn: () => {}, error: (message: string) => void errors.push(message) }
  const client = open({ file, logger })
  client.on('change', () => {
    throw new Error('mine')
  })
  const changed = next(client, 'change')
  writeFileSync(file, off)
  await changed
  expect(errors).toEqual(['a listener of "change" failed: Error: mine'])
})

test('flags may be given as an object, of which a copy is taken', () => {
  const flags = { a: { enabled: true, variant: 'on', clientVisible: true }, hidden: { enabled: true } }
  const client = createLocalClient({ flags })
  flags.a.enabled = false
  expect(client.boolean('a', false)).toBe(true)
  expect(client.status().origin).toBe('memory')
  expect(client.forBrowser({ targetingKey: 'u' })).toMatchObject({
    version: null,
    targetingKey: 'u',
    flags: { a: { value: true, variant: 'on', reason: 'STATIC' } },
  })
})

test('an environment that the file does not name is warned of', () => {
  const warnings: string[] = []
  const logger = { debug: () => {}, warn: (message: string) => void warnings.push(message), error: () => {} }
  const flags = { a: { enabled: true, environments: { production: { enabled: false } } } }
  expect(createLocalClient({ flags, environment: 'prod', logger }).isEnabled('a')).toBe(true)
  expect(warnings).toEqual(['the flags name no environment "prod"; they name production'])
})

test.each<readonly [string, unknown, string]>([
  ['nothing', undefined, "takes an object such as {file: 'flags.json'}"],
  ['neither file nor flags', {}, 'takes either "file" or "flags"'],
  ['both', { file: 'a.json', flags: {} }, 'takes either "file" or "flags"'],
  ['a number as file', { file: 1 }, '"file" must be a path or a file: URL, not 1'],
  ['a URL of the network', { file: new URL('https://example.com/flags.json') }, '"file" must be'],
  ['a number as environment', { flags: {}, environment: 1 }, '"environment" must be a text, not 1'],
  ['a logger without debug', { flags: {}, logger: { warn: () => {}, error: () => {} } }, '"logger" must have the methods debug, warn, error'],
  ['a text as watch', { file: 'a.json', watch: 'yes' }, '"watch" must be true or false, not yes'],
  ['a file that is not there', { file: '/nowhere/flags.json' }, '/nowhere/flags.json cannot be used:\n  cannot be read: ENOENT'],
  ['a file of another kind', { file: 'flags.toml' }, 'its name must end in .json, .yaml or .yml'],
  ['an option that is none', { file: 'a.json', enviroment: 'x' }, '"enviroment" is no option; there is file, environment, watch, logger'],
  ['a field that is none', { flags: {}, wacth: true }, '/wacth: is not a field here'],
  ['broken flags', { flags: { a: { enabled: true, variant: 'x' }, b: { enabled: 1 } } }, '/flags/b/enabled: must be true or false'],
])('refuses %s when it is made', (_, options, message) => {
  const make = () => createLocalClient(options as LocalOptions)
  expect(make).toThrow(TypeError)
  expect(make).toThrow(message)
}) // prettier-ignore

test('a key that the type does not know does not compile', () => {
  const flags = { theme: { enabled: true, variants: { light: 'light' } } }
  const client = createLocalClient<{ theme: 'dark' | 'light' }>({ flags })
  const theme: 'dark' | 'light' = client.string('theme', 'dark')
  expect(theme).toBe('light')
  // @ts-expect-error -- there is no such flag
  expect(client.string('them', 'dark')).toBe('dark')
})
