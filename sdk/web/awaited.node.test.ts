import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const program = (awaited: string) => `
  import { createWebClient } from ${JSON.stringify(fileURLToPath(new URL('index.ts', import.meta.url)))}
  const flags = createWebClient({ edge: 'http://127.0.0.1:1', key: 'hyd_cli_x', context: {} })
  ${awaited}
  console.log(flags.boolean('any', true))
`

const run = async (awaited: string) =>
  (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program(awaited)])).stdout

test('a process without an edge goes on when what it awaits is over, and ends by itself', async () => {
  expect(await run('await flags.ready({ timeoutMs: 300 })')).toBe('true\n')
  expect(await run('')).toBe('true\n')
})
