import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { useApi } from '../api.test-kit.ts'
import { emptyFolder, runCli } from '../test-kit.ts'

const api = useApi()

async function complete(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const { code, stdout, stderr } = await api.cli(['complete', '--', ...words], env)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')[0] ?? '']))
}

test.each([
  [['fl'], ['flags']],
  [['flags', 'to'], ['toggle']],
  [['--env', 'production', 'flags', 'rest'], ['restore']],
  [['flags', 'list', '--ar'], ['--archived']],
  [
    ['flags', 'list', '--pro'],
    ['--project', '--profile'],
  ],
  [['flags', 'list', '--kind', 'e'], ['experiment']],
  [
    ['keys', 'create', ''],
    ['server', 'client', 'management'],
  ],
  [['complet'], ['completion']],
  [['flags', 'toggle', 'ch'], ['checkout']],
  [
    ['flags', 'toggle', '--on', ''],
    ['banner', 'checkout'],
  ],
  [['rollout', 'b'], ['banner']],
  [['flags', 'toggle', 'checkout', ''], []],
  [['flags', 'create', ''], []],
  [['flags', 'list', '--env', 'st'], ['staging']],
  [['envs', 'freeze', 'pro'], ['production']],
  [['audit', '--flag', 'ch'], ['checkout']],
])('%j is completed by %j', async (words, wanted) => {
  expect(await complete(words)).toEqual(wanted)
})

test('completion says nothing when it cannot know', async () => {
  expect(await complete(['flags', 'toggle', ''], { HALYARD_API_URL: 'http://127.0.0.1:9' })).toEqual([])
  expect(await complete(['flags', 'toggle', ''], { HALYARD_TOKEN: 'hyd_svc_wrong' })).toEqual([])
  const { code, stdout, stderr } = await runCli(['complete', '--', 'flags', 'toggle', ''])
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' })
})

test('names are kept for a while, for their owner, and without the token', async () => {
  const home = emptyFolder()
  expect(await complete(['flags', 'get', ''], { XDG_CACHE_HOME: home })).toEqual(['banner', 'checkout'])
  const [name = ''] = readdirSync(join(home, 'halyard'))
  const text = readFileSync(join(home, 'halyard', name), 'utf8')
  expect(`${name} ${text}`).not.toContain('hyd_')
  writeFileSync(join(home, 'halyard', name), '[{"key": "held"}, {"key": "$(x)"}]')
  expect(await complete(['flags', 'get', ''], { XDG_CACHE_HOME: home })).toEqual(['held'])
})

test('of a large project, those are found that begin with what is typed, and all where nothing is', async () => {
  await api.kit.ok('POST', '/orgs/acme/projects', { body: { key: 'large' } })
  const flags = Array.from({ length: 250 }, (_, i) => ({ key: `f${100 + i}` }))
  await api.kit.ok('POST', '/orgs/acme/projects/large/flags/import', { body: { flags } })
  const env = { HALYARD_PROJECT: 'large' }
  const asked: string[] = []
  api.onRequest(({ url = '' }) => asked.push(url) > 0)
  expect(await complete(['flags', 'get', 'f349'], env)).toEqual(['f349'])
  expect(asked.length).toBe(1)
  // What does not come in time is left out: on a busy machine it may take more than one try.
  await expect
    .poll(async () => (await complete(['flags', 'get', ''], env)).length, { timeout: 20_000 })
    .toBe(250)
}, 30_000)

test('bash completes by its script', async () => {
  const bin = join(emptyFolder(), 'bin')
  mkdirSync(bin)
  const main = fileURLToPath(new URL('../main.ts', import.meta.url))
  writeFileSync(join(bin, 'halyard'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`)
  chmodSync(join(bin, 'halyard'), 0o755)
  const text = `source <(halyard completion bash)
COMP_WORDS=(halyard flags toggle ch); COMP_CWORD=3; _halyard; echo "\${COMPREPLY[*]}"
COMP_WORDS=(halyard flags ''); COMP_CWORD=2; _halyard; echo "\${#COMPREPLY[@]} \${COMPREPLY[0]}"`
  const { stdout } = await promisify(execFile)('bash', ['-c', text], {
    cwd: emptyFolder(),
    env: {
      PATH: `${bin}:${process.env['PATH']}`,
      HALYARD_API_URL: api.url,
      HALYARD_TOKEN: api.kit.token,
      HALYARD_ORG: 'acme',
      HALYARD_PROJECT: 'shop',
    },
  })
  expect(stdout).toMatch(/^checkout\n\d+ list\n$/)
})

test.each(['bash', 'zsh', 'fish'])('completion prints a script for %s', async (shell) => {
  const { code, stdout } = await runCli(['completion', shell])
  expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('halyard complete -- ') })
})
