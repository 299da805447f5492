import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { runCli, startServer } from './test-kit.ts'

vi.setConfig({ testTimeout: 30_000 }) // processes are started, perhaps on a busy machine

test('help goes to stdout and documents variables and exit codes', async () => {
  const { code, stdout, stderr } = await runCli(['--help'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const text of [
    'HALYARD_API_URL',
    'HALYARD_ENV',
    'NO_COLOR',
    '.halyard',
    '0  done',
    '1  failed',
    '2  usage',
    '3  refused',
  ])
    expect(stdout).toContain(text)
})

test('options of all commands are shown with each', async () => {
  const { stdout } = await runCli(['flags', 'list', '--help'])
  expect(stdout).toContain('--token <token>')
})

test.each([
  [['nonsense'], "unknown command 'nonsense'"],
  [['flags'], 'Usage: halyard flags'],
  [['flags', 'get'], "missing required argument 'key'"],
  [['flags', 'list', '--what'], "unknown option '--what'"],
  [['flags', 'toggle', 'a', '--on', '--off'], '--on and --off exclude each other'],
  [['flags', 'create', 'a', '--type', 'text'], 'boolean, string, number or json'],
  [['flags', 'list', '--api', 'http://localhost'], '--token is missing: a management token'],
  [['eval'], 'give --edge <url> or set HALYARD_EDGE_URL'],
  [['import', 'flagd', 'no-such-file.json'], 'no-such-file.json cannot be read'],
])('%j is a usage error, told on stderr alone', async (args, reason) => {
  const { code, stdout, stderr } = await runCli([...args, '--json'])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(reason)
})

test('global options may stand before and after a command', async () => {
  await using server = await startServer(() => ({
    body: { flags: [] },
    headers: { 'halyard-version': '1.1' },
  }))
  const { code } = await runCli(['--edge', server.url, 'eval', '--key', 'hyd_srv_x', '--json'])
  expect(code).toBe(0)
})

test('what another wrote cannot steer a terminal', async () => {
  const body = { key: 'a', value: true, variant: 'on\u001B[2J', reason: 'STATIC' }
  await using server = await startServer(() => ({ body }))
  const { stdout } = await runCli(['eval', 'a', '--edge', server.url, '--key', 'k'])
  expect(stdout).toContain('on\u{FFFD}[2J')
})

test('there is colour only where it is wanted', async () => {
  const body = { key: 'a', value: true, variant: 'on', reason: 'STATIC' }
  await using server = await startServer(() => ({ body }))
  const args = ['eval', 'a', '--edge', server.url, '--key', 'k']
  expect((await runCli(args)).stdout).not.toContain('\u001B')
  expect((await runCli(args, { FORCE_COLOR: '1' })).stdout).toContain('\u001B')
})

test('a reader that goes away is no failure', async () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const child = spawn(process.execPath, [main, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr.on('data', (data) => (stderr += String(data)))
  child.stdout.destroy()
  await once(child, 'close')
  expect(stderr).toBe('')
})
