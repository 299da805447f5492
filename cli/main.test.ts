/** The program and its output: who reads it, and what becomes of it if nobody does. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { useApi } from './api.test-kit.ts'
import { emptyFolder, startCli } from './test-kit.ts'

vi.setConfig({ testTimeout: 30_000 }) // processes are started, perhaps on a busy machine

const api = useApi()

test('a reader that goes away is no failure', async () => {
  const cli = startCli(['--help'])
  cli.hangUp()
  expect(await cli.ended).toMatchObject({ code: 0, stderr: '' })
})

test('a command does what it was asked to, though nobody reads what it says', async () => {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'flags.json'), '{"flags": {"unheard": {"enabled": true}}}')
  const place = { HALYARD_ORG: 'acme', HALYARD_PROJECT: 'shop' }
  const env = { HALYARD_API_URL: api.url, HALYARD_TOKEN: api.kit.token, ...place }
  const cli = startCli(['apply', 'flags.json', '--yes'], env, folder)
  cli.hangUp()
  expect(await cli.ended).toMatchObject({ code: 0, stderr: '' })
  expect(await api.json('flags', 'get', 'unheard')).toMatchObject({ enabled: true })
})

test.skipIf(!existsSync('/dev/full'))('output that cannot be written is a failure, told once', async () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const child = spawn('sh', ['-c', 'exec "$0" "$@" > /dev/full', process.execPath, main, 'help'])
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringMatching(/^halyard: stdout cannot be written: ENOSPC.*\n$/),
  })
})
