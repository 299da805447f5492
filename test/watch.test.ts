import { spawn } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'
import { callApi, project, until, useStack } from './stack-kit.ts'

const system = useStack()
const flag = 'new-checkout'

interface WatchLine {
  readonly event: string
  readonly version?: string
  readonly changes?: readonly { readonly key: string; readonly enabled: boolean }[] | null
}

/** `halyard watch --json` as a process of its own; its lines so far. */
function startWatch(key: string): readonly WatchLine[] {
  const child = spawn(process.execPath, ['cli/main.ts', 'watch', '--json'], {
    env: { ...process.env, HALYARD_EDGE_URL: system.stack.urls.edge, HALYARD_KEY: key },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: WatchLine[] = []
  let rest = ''
  child.stdout.on('data', (data) => {
    const parts = (rest + String(data)).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts.map((part) => JSON.parse(part) as WatchLine)) // what watch prints
  })
  return lines
}

async function toggle(enabled: boolean): Promise<string> {
  const path = `${project}/environments/production/flags/${flag}/toggle`
  const { versions } = await callApi<{ versions: Record<string, string> }>(system.stack, 'POST', path, {
    enabled,
  })
  return versions['production'] ?? ''
}

/** Waits for the line of a version. */
async function lineOf(lines: readonly WatchLine[], version: string): Promise<WatchLine | undefined> {
  return await until(
    async () => lines.find((line) => line.event === 'version' && line.version === version),
    (line) => line !== undefined,
    60_000,
  )
}

test('watch tells of a toggle, and goes on from what it has after the edge and the hub were killed', async () => {
  const { seed, workers } = system.stack
  const lines = startWatch(seed.environments.production.serverKey)
  await until(
    async () => lines.length,
    (length) => length > 0,
  )
  expect(lines[0]).toMatchObject({ event: 'snapshot' })
  expect(await lineOf(lines, await toggle(false))).toMatchObject({ changes: [{ key: flag, enabled: false }] })
  expect(await lineOf(lines, await toggle(true))).toMatchObject({ changes: [{ key: flag, enabled: true }] })
  for (const name of ['edge', 'hub'] as const) {
    await workers[name].kill9()
    const version = await toggle(false)
    await workers[name].start()
    expect(await lineOf(lines, version)).toMatchObject({ changes: [{ key: flag, enabled: false }] })
    await lineOf(lines, await toggle(true))
  }
  expect(
    lines.filter(({ event }) => event === 'snapshot'),
    'the rest came as changes',
  ).toHaveLength(1)
})

test('with a client key it tells that something changed, and not what', async () => {
  const lines = startWatch(system.stack.seed.environments.production.clientKey)
  const hasLine = () => lines.some(({ event }) => event === 'version')
  // It says nothing when it connects, so the first change may come before that.
  for (let enabled = false; !hasLine(); enabled = !enabled) await toggle(enabled)
  expect(lines.find(({ event }) => event === 'version')).toMatchObject({ changes: null })
})
