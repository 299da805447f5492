/** `init` and `doctor` beside a whole product: they need the edge. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { until, useStack } from './stack-kit.ts'

const system = useStack()

interface Checks {
  readonly checks: readonly { readonly check: string; readonly outcome: string; readonly what: string }[]
}

async function halyard(folder: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { urls, seed } = system.stack
  const { stdout } = await promisify(execFile)(process.execPath, [resolve('cli/main.ts'), ...args], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      HALYARD_API_URL: urls.control,
      HALYARD_EDGE_URL: urls.edge,
      HALYARD_TOKEN: seed.managementKey,
      ...env,
    },
  })
  return stdout
}

test('from nothing to a flag that the edge serves, with nothing for the doctor to find', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-first-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  await halyard(folder, ['init', '--yes', '--project', 'fresh', '--flag', 'hello'])
  expect(JSON.parse(readFileSync(join(folder, 'halyard.json'), 'utf8'))).toMatchObject({
    project: 'fresh',
    env: 'development',
  })
  const made = JSON.parse(
    await halyard(folder, ['keys', 'create', 'server', '--name', 'mine', '--json']),
  ) as { secret: string }
  const env = { HALYARD_KEY: made.secret }
  const evaluate = async () =>
    JSON.parse(await halyard(folder, ['eval', 'hello', '--targeting-key', 'user-1', '--json'], env)) as {
      value: boolean
    }
  expect(await until(evaluate, ({ value }) => value)).toMatchObject({
    key: 'hello',
    value: true,
    variant: 'on',
  })
  const examine = async () => JSON.parse(await halyard(folder, ['doctor', '--json'], env)) as Checks
  const { checks } = await until(examine, ({ checks }) => checks.every(({ outcome }) => outcome === 'ok'))
  const names = ['API', 'token', 'environment', 'edge', 'freshness', 'versions', 'stream', 'project file']
  expect(checks.map(({ check }) => check)).toEqual(expect.arrayContaining(names))
  await halyard(folder, ['freeze', '--comment', 'a test'])
  await halyard(folder, ['flags', 'toggle', 'hello', '--off'])
  const frozen = await examine()
  expect(frozen.checks).toContainEqual(
    expect.objectContaining({
      check: 'environment',
      outcome: 'warn',
      what: expect.stringContaining('frozen: a test'),
    }),
  )
})
