import { createServer } from 'node:http'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { isDue, readCrons, startCrons } from './crons.ts'

// A Saturday.
const time = new Date('2026-11-21T03:17:42Z')

test.for([
  ['* * * * *', true],
  ['17 3 * * *', true],
  ['17 3 21 11 *', true],
  ['17 3 * * 7', true],
  ['17 3 * * 6', false],
  ['18 3 * * *', false],
  ['17 4 * * *', false],
  ['*/17 * * * *', true],
  ['*/5 * * * *', false],
  ['2-32/15 1-5 * * *', true],
  ['0,17,30 * * * *', true],
  ['2/5 * * * *', true],
  ['* * * *', false],
] as const)('%s is due at 03:17 on a Saturday: %s', ([cron, due]) => {
  expect(isDue(cron, time)).toBe(due)
})

test("a Worker's crons are read from its wrangler.toml, top level only", () => {
  const folder = mkdtempSync(join(tmpdir(), 'halyard-crons-'))
  const path = join(folder, 'wrangler.toml')
  const staging = `[env.staging]\ntriggers.crons = ["0 0 * * *"]\n`
  writeFileSync(
    path,
    `name = "x"\n[triggers]\ncrons = [\n  "* * * * *", # publish\n  '17 3 * * *',\n]\n${staging}`,
  )
  expect(readCrons(path)).toEqual(['* * * * *', '17 3 * * *'])
  writeFileSync(path, `name = "x"\n`)
  expect(readCrons(path)).toEqual([])
  rmSync(folder, { recursive: true })
})

test('every cron fires at start, then when it is due, and never after the stop', async () => {
  const fired: (string | null)[] = []
  const server = createServer((req, res) => {
    fired.push(new URL(req.url ?? '', 'http://x').searchParams.get('cron'))
    res.end('ok')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  vi.useFakeTimers({
    now: new Date('2026-11-21T03:15:30Z'),
    toFake: ['setInterval', 'clearInterval', 'Date'],
  })
  const stop = startCrons(`http://127.0.0.1:${port}`, ['* * * * *', '17 3 * * *'], console.error)
  await vi.waitFor(() => expect(fired.toSorted()).toEqual(['* * * * *', '17 3 * * *']))
  vi.advanceTimersByTime(60_000)
  await vi.waitFor(() => expect(fired).toHaveLength(3))
  expect(fired.at(-1)).toBe('* * * * *')
  vi.advanceTimersByTime(60_000)
  await vi.waitFor(() => expect(fired).toHaveLength(5))
  stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.advanceTimersByTime(600_000)
  vi.useRealTimers()
  server.close()
  await once(server, 'close')
  expect(fired).toHaveLength(5)
})
