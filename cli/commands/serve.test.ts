/** `halyard serve` as a process, asked by the published OpenFeature providers. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { OFREPProvider } from '@openfeature/ofrep-provider'
import { OFREPWebProvider } from '@openfeature/ofrep-web-provider'
import { OpenFeature, type Provider } from '@openfeature/server-sdk'
import {
  OpenFeature as OpenFeatureWeb,
  ProviderEvents,
  type Provider as WebProvider,
} from '@openfeature/web-sdk'
import { expect, onTestFinished, test } from 'vitest'
import { emptyFolder, runCli, startCli, until, type Running } from '../test-kit.ts'

const flags = (variant: string) => `flags:
  new-checkout: { enabled: true, clientVisible: true, variant: ${variant} }
  theme:
    enabled: true
    clientVisible: true
    variants: { light: l, dark: d }
    rules:
      - when: { attribute: country, op: eq, value: DE }
        serve: { variant: dark }
    environments:
      production: { enabled: false, offVariant: dark }
`

interface Serving extends AsyncDisposable {
  readonly cli: Running
  readonly file: string
  readonly url: string
  readonly events: () => Record<string, unknown>[]
}

async function serve(...args: string[]): Promise<Serving> {
  const folder = emptyFolder()
  const file = join(folder, 'flags.yaml')
  writeFileSync(file, flags('on'))
  const cli = startCli(['serve', file, '--port', '0', '--json', ...args], {}, folder)
  const events = () => cli.stdout().split('\n').filter(Boolean).map((line) => JSON.parse(line)) // prettier-ignore
  await until(() => cli.stdout().includes('\n'))
  const stop = async () => {
    cli.kill('SIGKILL')
    await cli.ended
  }
  return { cli, file, events, url: String(events()[0]?.['url']), [Symbol.asyncDispose]: stop }
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}~`, text)
  renameSync(`${file}~`, file)
}

test('the published server provider gets what the file says, and what it says next', async () => {
  await using serving = await serve()
  expect(serving.events()).toMatchObject([{ event: 'serving', environment: null, flags: 2 }])
  const provider = new OFREPProvider({ baseUrl: serving.url })
  await OpenFeature.setProviderAndWait('serve', provider as Provider) // its types do not know exactOptionalPropertyTypes
  const client = OpenFeature.getClient('serve')
  expect(await client.getBooleanValue('new-checkout', false)).toBe(true)
  expect(await client.getStringDetails('theme', '', { country: 'DE' })).toMatchObject({
    value: 'd',
    variant: 'dark',
    reason: 'TARGETING_MATCH',
  })
  expect(await client.getBooleanDetails('none', true)).toMatchObject({
    value: true,
    errorCode: 'FLAG_NOT_FOUND',
  })
  replace(serving.file, flags('off'))
  await until(() => serving.events().length === 2)
  expect(serving.events()[1]).toEqual({
    event: 'changed',
    flags: [{ key: 'new-checkout', change: 'changed' }],
  })
  expect(await client.getBooleanValue('new-checkout', true)).toBe(false)
})

test('the published web provider gets the flags of its context, and hears of a change', async () => {
  await using serving = await serve()
  const provider = new OFREPWebProvider({ baseUrl: serving.url, pollInterval: 50 })
  onTestFinished(() => OpenFeatureWeb.close())
  await OpenFeatureWeb.setContext({ targetingKey: 'u', country: 'DE' })
  await OpenFeatureWeb.setProviderAndWait(provider as WebProvider) // as above
  const client = OpenFeatureWeb.getClient()
  expect([client.getBooleanValue('new-checkout', false), client.getStringValue('theme', '')]).toEqual([
    true,
    'd',
  ])
  const changed = new Promise<unknown>((resolve) => {
    OpenFeatureWeb.addHandler(ProviderEvents.ConfigurationChanged, (event) => resolve(event?.flagsChanged))
  })
  replace(serving.file, flags('off'))
  expect(await changed).toEqual(['new-checkout'])
  expect(client.getBooleanValue('new-checkout', true)).toBe(false)
})

test('an open stream hears of each change, and the end of the server ends it and the process', async () => {
  await using serving = await serve()
  const stream = await fetch(`${serving.url}/ofrep/v1/stream`)
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
  expect((await reader?.read())?.value).toContain('refetchEvaluation')
  replace(serving.file, flags('off'))
  expect((await reader?.read())?.value).toContain('refetchEvaluation')
  serving.cli.kill('SIGTERM')
  expect((await reader?.read())?.done).toBe(true)
  expect(await serving.cli.ended).toMatchObject({ code: 0, stderr: '' })
})

test('with --env the flags are as the file has them there, and with --key for that key alone', async () => {
  await using serving = await serve('--env', 'production', '--key', 'hyd_srv_mine')
  const path = `${serving.url}/ofrep/v1/evaluate/flags/theme`
  expect((await fetch(path, { method: 'POST', body: '{}' })).status).toBe(401)
  const answer = await fetch(path, { method: 'POST', body: '{}', headers: { 'X-API-Key': 'hyd_srv_mine' } })
  expect(await answer.json()).toEqual({ key: 'theme', value: 'd', variant: 'dark', reason: 'DISABLED' })
})

test('a broken file is told of with its lines, and what was read before is still served', async () => {
  await using serving = await serve()
  replace(serving.file, flags('blue'))
  await until(() => serving.events().length === 2)
  const fault = {
    line: 2,
    pointer: '/flags/new-checkout/variant',
    detail: 'there is no variant "blue"; there is on, off',
  }
  expect(serving.events()[1]).toMatchObject({ event: 'broken', faults: [fault] })
  const answer = await fetch(`${serving.url}/ofrep/v1/evaluate/flags/new-checkout`, {
    method: 'POST',
    body: '{}',
  })
  expect(await answer.json()).toMatchObject({ value: true })
})

test('for people it says where it serves, what changed and what is wrong', async () => {
  const folder = emptyFolder()
  const file = join(folder, 'flags.yaml')
  writeFileSync(file, flags('on'))
  const cli = startCli(['serve', 'flags.yaml', '--port', '0'], {}, folder)
  onTestFinished(() => cli.kill('SIGKILL'))
  await until(() => cli.stdout().includes('baseUrl'))
  expect(cli.stdout()).toMatch(/^serving 2 flags of flags\.yaml at http:\/\/localhost:\d+; Ctrl-C ends it\n/)
  replace(file, `${flags('on')}  extra: { enabled: true }\n`)
  await until(() => cli.stdout().includes('extra added'))
  replace(file, 'flags:\n  extra: { enabled: 1 }\n')
  await until(() => cli.stdout().includes('line 2: /flags/extra/enabled: must be true or false'))
})

test('a file that cannot be served, an unknown environment and a taken port end it with a reason', async () => {
  const folder = emptyFolder()
  const file = join(folder, 'flags.yaml')
  expect(await runCli(['serve', file], {}, folder)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('cannot be read'),
  })
  writeFileSync(file, 'flags:\n  a: {}\n')
  expect(await runCli(['serve', file], {}, folder)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('line 2: /flags/a/enabled: is required'),
  })
  writeFileSync(file, flags('on'))
  const unknown = await runCli(['serve', file, '--env', 'staging'], {}, folder)
  expect(unknown).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('"staging"; it names production'),
  })
  const other = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void other.close())
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo // it listens on a port
  const taken = await runCli(['serve', file, '--port', String(port)], {}, folder)
  expect(taken).toMatchObject({ code: 1, stderr: expect.stringContaining(`port ${port} is taken`) })
})
