import { expect, test } from 'vitest'
import { snapshotSizeMax } from '@halyard/shared/protocol/head.ts'
import { futureMaxMs } from './adopt-checks.ts'
import { accessOf, answerOf, askAgain, kvValueOf, make, signed, warm, type Made } from './view-kit.ts'
import { recentMs } from './view-pace.ts'
import { ageMs, freshen, isCurrent } from './view.ts'

test('a lower version or epoch that the hub tells is not swapped in', async () => {
  for (const older of [make(2, 4), make(1, 9)]) {
    const { view, ports, sources, reads, pass, now } = await warm(make(2, 5))
    sources.hub = async () => answerOf(older, now())
    await pass(recentMs + 1)
    await askAgain(view, ports)
    expect(reads.hub).toBe(1)
    expect(view.copy?.token).toBe('2.5')
  }
})

test('a higher epoch is swapped in, though its version is lower', async () => {
  const { view, ports, sources, pass, now } = await warm(make(1, 9))
  sources.hub = async () => answerOf(make(2, 1), now())
  await pass(recentMs + 1)
  await askAgain(view, ports)
  expect(view.copy?.token).toBe('2.1')
})

test.each(['verify', 'hash'] as const)(
  'versions are compared when they are swapped, not when they were read: a slow %s',
  async (step) => {
    const { view, ports, pass, sources, now, sleep } = await warm()
    const [older, newer] = [make(1, 2), make(1, 3)]
    // The older answer comes first, but its checks take longer than the next one takes as a whole.
    const late = async (isOlder: boolean) => void (isOlder && (await sleep(20_000)))
    const { verify, hash } = ports
    const slow: typeof ports =
      step === 'verify'
        ? { ...ports, verify: async (text) => (await late(text === signed(older)), await verify(text)) }
        : { ...ports, hash: async (content) => (await late(content === older.body), await hash(content)) }
    sources.hub = async () => answerOf(older, now())
    await pass(recentMs + 1)
    void askAgain(view, slow)
    await pass(16_000)
    sources.hub = async () => answerOf(newer, now())
    void askAgain(view, slow)
    await pass(0)
    expect(view.copy?.token).toBe('1.3')
    await pass(60_000)
    expect(view.copy?.token).toBe('1.3')
    expect(view.copy?.body).toBe(newer.body)
  },
)

const sound = make(1, 2)
test.each<[string, Partial<ReturnType<typeof answerOf>>]>([
  ['a head that nobody trusted signed', { signedHead: 'forged' }],
  ['a head of another environment', { signedHead: signedAs({ environment: 'env_2' }) }],
  ['a head of a newer schema', { signedHead: signedAs({ schema: 2 }) }],
  ['a head from the future', { signedHead: signedAs({ time: 1_000_000 + futureMaxMs + 6_000 }) }],
  ['a head of a body that is too large', { signedHead: signedAs({ size: snapshotSizeMax + 1 }) }],
  ['a body of another size than its head says', { signedHead: signedAs({ size: 5 }) }],
  ['a text where a number belongs', { confirmedAt: '5' as unknown as number }],
  ['a number where a text belongs', { body: 5 as unknown as string }],
  ['a body that the head does not name', { body: 'flag\tother\t{}' }],
  ['an empty body', { body: '' }],
  ['an access record that the head does not name', { access: accessOf('intruder') }],
  ['an access record that is none', { signedHead: signedAs({ accessHash: 'hash of []' }), access: '[]' }],
  ['the held version with another content', answerOf(make(1, 1, { body: 'flag\tother\t{}' }), 0)],
])('%s is refused and counted, and the last good copy stays', async (_, change) => {
  const { view, ports, pass, sources, now } = await warm(make(1, 1, { access: accessOf('old') }))
  const before = { copy: view.copy, access: view.access }
  sources.hub = async () => ({ ...answerOf(sound, now()), ...change })
  await pass(5_000)
  await askAgain(view, ports)
  expect({ copy: view.copy, access: view.access }).toEqual(before)
  expect(view.refusedCount).toBe(1)
  expect(ageMs(view, now())).toBe(5_000)
  expect(isCurrent(view, now())).toBe(false)
})

test('a change of the access record alone needs no body', async () => {
  const { view, ports, sources, pass, now } = await warm()
  const { snapshot } = view.copy ?? {}
  const { body, ...rest } = answerOf(
    make(1, 2, { body: view.copy?.body ?? '', access: accessOf('fresh') }),
    now(),
  )
  sources.hub = async () => rest
  await pass(recentMs + 1)
  await askAgain(view, ports)
  expect(body).toBe(view.copy?.body)
  expect(view.copy?.token).toBe('1.2')
  expect(view.copy?.snapshot).toBe(snapshot)
  expect(view.access?.keys.has('hash of key fresh')).toBe(true)
})

test('an access record that KV brought of a newer version is not taken back by the version held', async () => {
  const world = await warm(make(1, 5, { access: accessOf('old') }))
  const { view, ports, pass, sources, now } = world
  const newer = make(1, 7, { access: accessOf('new') })
  Object.assign(sources, {
    hub: async () => await Promise.reject(new Error('down')),
    kv: async (kind: string) => (kind === 'access' ? kvValueOf(newer, kind, now()) : null),
  })
  await pass(31_000)
  await freshen(view, ports)
  const ids = () => [...(view.access?.keys.values() ?? [])].map(({ id }) => id)
  expect([view.copy?.token, ids()]).toEqual(['1.5', ['new']])
  for (const version of [5, 6]) {
    sources.hub = async () => answerOf(make(1, version, { access: accessOf('old') }), now())
    await pass(1_000)
    await askAgain(view, ports)
    expect([view.copy?.token, ids(), ageMs(view, now())]).toEqual([`1.${version}`, ['new'], 0])
  }
  sources.hub = async () => answerOf(make(1, 8, { access: accessOf('newest') }), now())
  await pass(1_000)
  await askAgain(view, ports)
  expect([view.copy?.token, ids()]).toEqual(['1.8', ['newest']])
})

test('a confirmation from the future counts from now, and an older one takes nothing back', async () => {
  const { view, ports, pass, sources, now } = await warm()
  await pass(5_000)
  sources.hub = async () => answerOf(make(1, 1), now() + 1e9)
  await askAgain(view, ports)
  expect(ageMs(view, now())).toBe(0)
  sources.hub = async () => answerOf(make(1, 1), now() - 4_000)
  await pass(3_000)
  await askAgain(view, ports)
  expect(ageMs(view, now())).toBe(3_000)
})

function signedAs(change: Partial<Made['head']>): string {
  return `signed ${JSON.stringify({ ...sound.head, ...change })}`
}
