import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import type { Command } from 'commander'
import { build } from 'esbuild'
import { makeProgram } from './program.ts'
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
  [['flags', 'toggle', 'a', '--on', '--off'], "option '--on' cannot be used with option '--off'"],
  [['flags', 'create', 'a', '--type', 'text'], 'Allowed choices are boolean, string, number, json.'],
  [['flag', 'list'], 'Did you mean flags?'],
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

test('every command says what it does, and shows how it is typed', () => {
  const all: Command[] = []
  const collect = (command: Command) => {
    all.push(command)
    for (const inner of command.createHelp().visibleCommands(command))
      if (inner.name() !== 'help') collect(inner)
  }
  collect(makeProgram())
  const shown = all.map((command) => {
    let text = ''
    command.configureOutput({ writeOut: (part) => (text += part) })
    command.outputHelp()
    return {
      name: `${command.parent?.name() ?? ''} ${command.name()}`,
      hasExamples: /^Examples?:\n  halyard /m.test(text),
      description: command.description(),
    }
  })
  expect(shown.length).toBeGreaterThan(40)
  expect(shown.filter(({ hasExamples, description }) => !hasExamples || description === '')).toEqual([])
})

test('--version is that of the program, and explain has one of its own', async () => {
  expect(await runCli(['--version'])).toEqual({ code: 0, stdout: 'workspace\n', stderr: '' })
  const { stdout } = await runCli(['explain', '--help'])
  expect(stdout).toContain('--version <token>')
})

test('a start loads no schemas: commands load what they need when they run', async () => {
  const program = fileURLToPath(new URL('program.ts', import.meta.url))
  const { metafile } = await build({
    entryPoints: [program],
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    outdir: 'unwritten',
    write: false,
    metafile: true,
  })
  const { outputs } = metafile
  const [entry] = Object.keys(outputs).filter((name) => outputs[name]?.entryPoint?.endsWith('cli/program.ts'))
  const files = new Set<string>([entry ?? ''])
  for (const file of files)
    for (const { path, kind } of outputs[file]?.imports ?? [])
      if (kind === 'import-statement' && outputs[path]) files.add(path)
  const inputs = [...files].flatMap((file) => Object.keys(outputs[file]?.inputs ?? {}))
  expect(inputs.some((input) => input.endsWith('cli/settings.ts'))).toBe(true)
  expect(inputs.filter((input) => /node_modules\/(?!commander)|shared\/|sdk\//.test(input))).toEqual([])
})
