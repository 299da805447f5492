/** The drill of docs/operations/restore.md, on real processes. */
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import {
  compareVersions,
  formatVersion,
  parseVersion,
  type Version,
} from '@halyard/shared/protocol/version.ts'
import { toggle, useBareStack } from './operations-kit.ts'
import { until } from './stack-kit.ts'

const { stateDir, running, restart, api, admin, edge } = useBareStack()
const [folder, backup] = [join(stateDir, 'postgres'), join(stateDir, 'backup')]
const copy = async (from: string, to: string) => {
  rmSync(to, { recursive: true, force: true })
  await promisify(execFile)('cp', ['-a', from, to])
}

test('in the order of the page no write is refused, and every reader follows', async () => {
  await restart(() => copy(folder, backup))
  for (let i = 0; i < 3; i++) await write() // oxlint-disable-line no-await-in-loop -- one version after another
  const lost = await write()
  await statusAt(lost)
  await admin('freeze', '--comment', 'restoring')
  await restart(() => copy(backup, folder))
  const stream = listen()
  await stream.reached(lost)

  const raised = JSON.parse(await admin('epoch', '--all', '--comment', 'restored', '--json'))
  const to = parseVersion(raised.find(({ place }: Place) => place === mine).to) as Version // the CLI gives tokens
  expect(to.epoch).toBe(lost.epoch + 1)
  // The sweep of a minute would do it as well.
  const head = await write()
  expect(head).toEqual({ ...to, version: to.version + 1 })
  await stream.reached(head)
  expect(stream.wentBack).toEqual([])
  expect(await admin('status')).not.toMatch(/EPOCH REQUIRED|FROZEN/)
  expect(await admin('verify')).toContain(', 0 differ')
  stream.close()
})

test('a database that is put back takes no writes until its epoch is raised, and then every reader follows', async () => {
  await write()
  await restart(() => copy(folder, backup))
  for (let i = 0; i < 3; i++) await write() // oxlint-disable-line no-await-in-loop -- one version after another
  const lost = await write()
  const before = await statusAt(lost)
  const stream = listen()
  await stream.reached(lost)

  await restart(() => copy(backup, folder))
  const again = listen()
  await again.reached(lost)
  // The first write finds out: the hub is ahead of what it commits.
  await api('POST', toggle, { comment: 'after the restore' })
  const refused = await until(
    () => api('POST', toggle),
    ({ status }) => status === 503,
  )
  expect(refused.body).toMatchObject({ code: 'epoch_required' })
  expect(await statusAt(lost)).toEqual(before)
  expect(await admin('status')).toContain('EPOCH REQUIRED: writes are refused')

  const raised = JSON.parse(await admin('epoch', '--all', '--comment', 'restored', '--json'))
  const { to } = raised.find(({ place }: Place) => place === mine)
  expect(parseVersion(to)?.epoch).toBe(lost.epoch + 1)
  const head = await write()
  expect(head.epoch).toBe(lost.epoch + 1)
  await again.reached(head)
  await statusAt(head)
  expect(again.wentBack).toEqual([])
  expect((await edge('/v1/ruleset')).headers.get('Halyard-Version')).toBe(formatVersion(head))
  expect(await admin('verify')).toContain(', 0 differ')
  stream.close()
  again.close()
})

interface Place {
  readonly place: string
}

const mine = 'demo/shop/production'

/** Toggles the flag, and gives the version. */
async function write(): Promise<Version> {
  const { status, body } = await api('POST', toggle)
  expect({ status, body }).toMatchObject({ status: 200 })
  return parseVersion((body['versions'] as { production: string }).production) as Version // the API gives tokens
}

/** What the edge says of itself, as soon as it is there. */
async function statusAt(at: Version) {
  const { version } = await until(
    async () => (await (await edge('/v1/status')).json()) as { version: string },
    (status) => status.version === formatVersion(at),
    90_000,
  )
  return version
}

/** A server's stream: which versions it told, and whether one came after a higher one. */
function listen() {
  const { urls, seed } = running()
  const socket = new WebSocket(`${urls.edge.replace('http', 'ws')}/v1/stream`, {
    protocols: ['halyard.v1'],
    headers: { authorization: `Bearer ${seed.environments.production.serverKey}` },
  } as never) // undici takes headers, which the DOM's type does not know
  let last: Version | null = null
  const wentBack: string[] = []
  socket.addEventListener('message', (event) => {
    const { signedHead } = JSON.parse(String(event.data)) as { signedHead?: string } // our own hub's
    if (signedHead === undefined) return
    const head = JSON.parse(Buffer.from(signedHead.split('.')[1] ?? '', 'base64url').toString()) as Version // signed JSON
    if (last && compareVersions(head, last) < 0)
      wentBack.push(`${formatVersion(last)} -> ${formatVersion(head)}`)
    last = head
  })
  const reached = (at: Version) =>
    until(
      async () => last,
      (head) => head !== null && compareVersions(head, at) >= 0,
      90_000,
    )
  return { reached, wentBack, close: () => socket.close() }
}
